package serve

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/stream"
	"github.com/assaylab/assay/trial"
)

// workOptions are the flags of `assay work`.
type workOptions struct {
	up      upOptions // those that a worker has in common with a laboratory
	console string
}

// workersByDefault is how many offers are tried at once.
const workersByDefault = 32

// WorkCommand is `assay work`. The address of its console is a flag of all commands: it is read when it runs.
func WorkCommand(p *process.Process, address *string) *cobra.Command {
	var o workOptions
	cmd := &cobra.Command{
		Use: "work --stream URL --store URL --key FILE", Short: "Try what the gateways of many machines offer", Args: cobra.NoArgs,
		Long: "Pull offers from the stream, call their candidates, compare, redact and keep. Any number of workers may run,\n" +
			"on any machines; one that dies loses nothing. The console's address has /healthz and /metrics alone.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.console = p.Setting(*address, "ASSAY_CONSOLE", "")
			o.up.shared(p)
			return work(cmd.Context(), p, o)
		},
	}
	f := cmd.Flags()
	o.up.stream.flags(f)
	o.up.limits.flags(f)
	f.Lookup("concurrency").DefValue = fmt.Sprint(workersByDefault)
	o.up.limits.concurrency = workersByDefault
	f.StringVar(&o.up.store, "store", "", "where trials are kept: postgres://user:password@host:port/database (default $ASSAY_STORE)")
	f.StringVar(&o.up.prices, "prices", "", "file of prices instead of AWS's published ones, as JSON")
	o.up.observing.flags(f)
	return cmd
}

// check finds what a worker cannot do without.
func (o *workOptions) check() error {
	switch {
	case o.up.stream.url == "":
		return process.Invalid("a worker needs the stream that brings offers", "give --stream nats://HOST:PORT")
	case o.console != "" && !loopback(o.console):
		return process.Invalid("a worker's console address has no token, so it is on loopback only", "write 127.0.0.1:PORT")
	}
	return o.up.stream.check(o.up.store)
}

// workbench is a worker with its rooms.
type workbench struct{ rooms }

func work(ctx context.Context, p *process.Process, o workOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	log, err := logger(p.Stderr, o.up.observing)
	if err != nil {
		return err
	}
	relaxCollector(growthBusy)
	b := &workbench{rooms{log: log}}
	defer b.close()
	if err := b.open(ctx, p, o); err != nil {
		return err
	}
	stop, address, err := b.serve(o.console)
	if err != nil {
		return err
	}
	defer stop()
	log.Info("ready", "console", address, "concurrency", o.up.limits.concurrency)
	<-ctx.Done()
	log.Info("stopping: no more offers are pulled")
	return nil
}

func (b *workbench) open(ctx context.Context, p *process.Process, o workOptions) (err error) {
	if b.data, err = os.MkdirTemp("", "assay-work-"); err != nil { // of nothing that lasts
		return err
	}
	err = b.rooms.open(ctx, p, o.up, func(key []byte, lane *trial.Options) (err error) {
		lane.Source = newSource()
		b.line, err = openLine(ctx, p, o.up.stream, key, b.log)
		return err
	})
	if err != nil {
		return err
	}
	b.line.work(b.floor, o.up.limits.concurrency)
	return nil
}

// serve answers whether the worker works, and how much. No address is no server.
func (b *workbench) serve(address string) (stop func(), at string, err error) {
	if address == "" {
		return func() {}, "none", nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", ListenError("--console", address, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.Handle("GET /metrics", promhttp.HandlerFor(workMetrics(b.line.worker), promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	b.line.running.Go(func() { _ = server.Serve(listener) }) // until it is closed
	return func() { _ = server.Close() }, listener.Addr().String(), nil
}

// workMetrics are what a worker counts of offers.
func workMetrics(w *stream.Worker) *prometheus.Registry {
	r := prometheus.NewRegistry()
	for name, m := range map[string]struct {
		help string
		of   func(stream.Progress) int64
	}{
		"assay_work_kept_total":     {"Offers whose trials are kept.", func(p stream.Progress) int64 { return p.Kept }},
		"assay_work_dropped_total":  {"Offers that were dropped.", func(p stream.Progress) int64 { return p.Refused }},
		"assay_work_returned_total": {"Offers that were given back, to be tried again.", func(p stream.Progress) int64 { return p.Returned }},
	} {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: m.help}, func() float64 { return float64(m.of(w.Progress())) }))
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "assay_work_in_hand", Help: "Offers that were pulled and are not settled."}, func() float64 { return float64(w.Progress().InHand) }))
	return r
}

// close ends pulling first, and lets what has begun end.
func (b *workbench) close() {
	b.drain()
	b.rooms.close()
	if b.data != "" {
		b.warn("the worker's folder could not be removed", os.RemoveAll(b.data))
	}
}
