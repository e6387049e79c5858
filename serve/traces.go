package serve

import (
	"context"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/telemetry"
)

// drainTraces is how long the last spans may take to be sent.
const drainTraces = time.Second

// observing is what a running program says of itself: its log, and its traces.
type observing struct {
	logFormat string
	logLevel  string
	traces    string

	tracer *telemetry.Tracer // nil: nothing is traced
}

func (o *observing) flags(f *pflag.FlagSet) {
	f.StringVar(&o.logFormat, "log-format", "text", "text or json")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error; debug has a line for each request that is traced or sampled")
	f.StringVar(&o.traces, "traces", "", "URL of an OTLP receiver of traces, for example http://127.0.0.1:4318/v1/traces (default: as OTEL_EXPORTER_OTLP_ENDPOINT says; else none)")
}

// open starts to trace, if the flag or the environment asks for it.
func (o *observing) open(ctx context.Context, p *process.Process, log *slog.Logger) (assay.Tracer, error) {
	if o.traces == "" && !telemetry.Wanted(p.Env) {
		return nil, nil
	}
	t, err := telemetry.New(ctx, telemetry.Options{Endpoint: o.traces, Version: process.Version(), Log: log})
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "traces cannot be exported: " + err.Error(), Where: "--traces, OTEL_*", Hint: "see docs/tracing.md"}
	}
	o.tracer = t
	return t, nil
}

// close sends the last spans.
func (o *observing) close() error {
	if o.tracer == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTraces)
	defer cancel()
	return o.tracer.Close(ctx)
}
