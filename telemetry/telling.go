package telemetry

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// listen lets the SDK complain in the program's log, in its format, and complains of what the SDK would not. The SDK
// has one such log a process.
func listen(log *slog.Logger) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces: the SDK complains", "error", err) }))
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	asked := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), protocol)
	if asked != protocol {
		log.Warn("traces are sent by "+protocol+", whatever OTEL_EXPORTER_OTLP_PROTOCOL says", "asked", asked)
	}
}

// protocol is the one that is spoken.
const protocol = "http/protobuf"

// telling says when a receiver takes no spans, and when it does again, instead of every time.
type telling struct {
	sdk.SpanExporter
	log  *slog.Logger
	down bool // the batcher exports from one goroutine
}

// ExportSpans implements sdk.SpanExporter.
func (t *telling) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := t.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !t.down:
		t.log.Warn("traces are lost: the receiver does not take them", "error", err)
	case err == nil && t.down:
		t.log.Info("the receiver takes traces again")
	}
	t.down = err != nil
	return nil // told
}
