// Package console shows a laboratory to people and programs. In come reports of experiments, kept
// trials and the embedded engine's functions; out go a JSON API and live events; Prometheus metrics and
// web pages are rooms of their own behind its guard.
package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/clients"
	"github.com/assaylab/assay/console/metrics"
	"github.com/assaylab/assay/console/pages"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/drift"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/noise"
	"github.com/assaylab/assay/reading"
	"github.com/assaylab/assay/whatif"
)

// Reader tells of the laboratory's experiments.
type Reader interface {
	// Reports returns every experiment, sorted by name.
	Reports(context.Context) ([]assay.Report, error)
	// Report fails with assay.CodeNotFound when there is no such experiment.
	Report(ctx context.Context, name string) (assay.Report, error)
	// Render returns the experiment's present definition as YAML.
	Render(name string) ([]byte, error)
}

// Takeover tells how the canaries fare that serve clients.
type Takeover interface {
	// Rollout returns where an experiment's rollout is and how it came there, oldest step first. It fails
	// with assay.CodeNotFound when there is no such experiment, or it has none.
	Rollout(ctx context.Context, name string) (assay.Standing, []assay.Step, error)
}

// Editor changes the laboratory's experiments while traffic flows.
type Editor interface {
	// Apply takes a whole document when name is "", else the definition of that one experiment.
	Apply(ctx context.Context, name string, definition []byte) ([]assay.Change, error)
	// Edit takes a change of a version of one experiment, and fails with assay.CodeConflict when another is in
	// force by now.
	Edit(ctx context.Context, name string, version int, definition []byte) ([]assay.Change, error)
	// Check says what a definition of one experiment would change, and fails with all that is wrong with it.
	Check(ctx context.Context, name string, definition []byte) (assay.Preview, error)
	Patch(ctx context.Context, name string, patch assay.Patch) (assay.Experiment, error)
	Delete(ctx context.Context, name string) error
	// AcceptRule begins new evidence under one more rule, RemoveRule under one fewer.
	AcceptRule(ctx context.Context, name string, rule assay.Rule) (assay.Experiment, error)
	RemoveRule(ctx context.Context, name, id string) (assay.Experiment, error)
}

// Traffic lends an experiment's requests out, and takes recorded ones in.
type Traffic interface {
	// Record gives each with a copy of every trial from now on, until ctx or the experiment ends or each
	// fails, and tells how many it missed because each was too slow.
	Record(ctx context.Context, name string, each func(*assay.Trial) error) (missed int64, err error)
	// Replay makes the requests again that next gives, until io.EOF.
	Replay(ctx context.Context, name string, how assay.Replay, next func() (*assay.Trial, error)) (assay.Replayed, error)
}

// Laboratory is what the console shows and changes.
type Laboratory interface {
	Reader
	Editor
	Traffic
	Takeover
	History
}

// Functions is the embedded engine as the console sees it. What is not there fails with
// assay.CodeNotFound.
type Functions interface {
	Deployments() []assay.Deployment
	Deployment(name string) (assay.Deployment, error)
	// Inventory lists a function's versions, aliases and environments, and what it did of late.
	Inventory(name string) (assay.Inventory, error)
	Remove(ctx context.Context, name string) error
	Invoker(name string) assay.Invoker
	// Logs writes the function's log to w; with follow, until ctx ends.
	Logs(ctx context.Context, name string, q assay.LogQuery, w io.Writer) error
}

// Trials finds kept trials; every assay.Store does.
type Trials interface {
	Trials(context.Context, assay.Query) (assay.Page, error)
	Trial(ctx context.Context, id string) (*assay.Trial, error)
}

// RuleBook tells of the rules that excuse differences.
type RuleBook interface {
	// Rules tells how those in force do, and which others the control's noise suggests.
	Rules(ctx context.Context, experiment string) ([]noise.Status, []noise.Proposal, error)
	// Reject keeps a rule from being proposed again.
	Reject(ctx context.Context, experiment, id, by string) error
}

// Differences answers what people ask of mismatches.
type Differences interface {
	Clusters(ctx context.Context, experiment string) ([]assay.Cluster, error)
	// MarkCluster says what is thought of a cluster, and returns all.
	MarkCluster(context.Context, assay.Mark) ([]assay.Cluster, error)
	Drift(ctx context.Context, experiment string, span reading.Span) ([]drift.Report, error)
	Replay(ctx context.Context, experiment string, rules []byte, span reading.Span) (whatif.Result, error)
	Reproduce(ctx context.Context, want reading.Wanted, tell func(reading.Progress)) (*export.Reproduction, error)
	// Case tells how a kept request is made again, and calls nothing.
	Case(ctx context.Context, want reading.Wanted) (*export.Reproduction, error)
}

// Reading is both.
type Reading interface {
	RuleBook
	Differences
}

// Options of a Console. Laboratory, Functions, Store and Reading are needed.
type Options struct {
	Laboratory Laboratory
	Functions  Functions
	Store      Trials
	Reading    Reading

	Router  Router  // of functions' own routes; there are none if nil
	Archive Archive // of all that is kept; nothing is exported or imported if nil

	Version   string            // of the program, for people
	Addresses map[string]string // where else the laboratory listens: "gateway", "aws"
	// Token, if set, is asked of every caller but those of /healthz and /readyz. Without it only
	// requests addressed to a loopback name or address are answered.
	Token string
	Log   *slog.Logger     // nothing is logged if nil
	Now   func() time.Time // time.Now if nil
	NewID func() string    // ids of direct invocations; random UUIDs if nil
	// Ready says what keeps the laboratory from working; always ready if nil.
	Ready func(context.Context) error
	// House tells of the program and the machine; nothing is told if nil.
	House func(context.Context) (shape.House, error)
	// Outage says why no trials can be kept at present, nil while they can; always nil if nil.
	Outage func() error
	// Metrics are served beside the console's own.
	Metrics []metrics.Family
	// Clients tells of the clients of each address; of none if nil.
	Clients func() map[string]clients.Counts
	// Pixels draws, as PNG, the pixels that differ between two images; no such picture if nil.
	Pixels func(control, candidate []byte) ([]byte, error)
}

// Console is an http.Handler. Close ends its event streams.
type Console struct {
	opt     Options
	handler http.Handler
	pages   *pages.Pages
	feed    *feed

	ctx    context.Context // ends when the console closes, and every stream with it
	cancel context.CancelFunc
	mu     sync.Mutex // guards streams.Add against Close
	// streams counts the answers that go on until someone ends them: events and followed logs.
	streams sync.WaitGroup
}

// New returns a console, or an error when an option that it needs is missing.
func New(opt Options) (*Console, error) {
	if opt.Laboratory == nil || opt.Functions == nil || opt.Store == nil || opt.Reading == nil {
		return nil, &assay.Error{Code: assay.CodeInternal, What: "a console needs a laboratory, functions, a store, and what reads differences"}
	}
	if opt.Clients == nil {
		opt.Clients = func() map[string]clients.Counts { return nil }
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.NewID == nil {
		opt.NewID = uuid.NewString
	}
	c := &Console{opt: opt}
	if err := c.openPages(); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.feed = newFeed(c.topics(), opt.Log)
	var err error
	c.handler, err = c.routes()
	return c, err
}

func (c *Console) openPages() (err error) {
	c.pages, err = pages.New(pages.Options{
		Laboratory: c.opt.Laboratory, Functions: c.opt.Functions, Store: c.opt.Store, Reading: c.opt.Reading,
		Version: c.opt.Version, Guarded: c.opt.Token != "", Now: c.opt.Now, Health: c.examine, Outage: c.outage, Explain: c.explain, Pixels: c.opt.Pixels,
	})
	return err
}

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Close ends the streams under way and waits until they have ended; new ones are refused.
func (c *Console) Close() {
	c.mu.Lock()
	c.cancel()
	c.mu.Unlock()
	c.streams.Wait()
}

// stream prepares an answer that lasts: its context also ends with the console. At false the console
// has closed. The caller calls done at the end.
func (c *Console) stream(r *http.Request) (ctx context.Context, done func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil, nil, false
	}
	c.streams.Add(1)
	ctx, cancel := context.WithCancel(r.Context())
	unlink := context.AfterFunc(c.ctx, cancel)
	return ctx, func() { unlink(); cancel(); c.streams.Done() }, true
}

// routes puts the guard before everything.
func (c *Console) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, "ok\n") })
	mux.HandleFunc("GET /readyz", c.ready)
	mux.Handle("GET /metrics", metrics.Handler(c.sources()))
	mux.Handle("/api/v1/", c.api())
	c.pages.Routes(mux)
	all, err := packed(mux)
	return newGuard(c.opt.Token, c.pages.Login).protect(all), err
}

// sources is what the metrics are made of.
func (c *Console) sources() metrics.Sources {
	from := metrics.Sources{
		Laboratory: c.opt.Laboratory, Functions: c.opt.Functions, Outage: c.outage, Clients: c.opt.Clients,
		Version: c.opt.Version, Others: c.opt.Metrics, Log: c.opt.Log,
	}
	from.Alarms, _ = c.opt.Reading.(metrics.Alarms)
	return from
}

func (c *Console) ready(w http.ResponseWriter, r *http.Request) {
	if c.opt.Ready != nil {
		if err := c.opt.Ready(r.Context()); err != nil {
			c.opt.Log.Warn("not ready", "err", err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
	}
	plain(w, "ready\n")
}

// outage is why no trials can be kept, in one line; "" while they can.
func (c *Console) outage() string {
	if c.opt.Outage == nil {
		return ""
	}
	return brief(c.opt.Outage())
}

// brief is an error in one line; "" of none.
func brief(err error) string {
	if err == nil {
		return ""
	}
	if made, ok := errors.AsType[*assay.Error](err); ok {
		return strings.TrimSuffix(made.What+"; "+made.Hint, "; ")
	}
	return err.Error()
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text) // the caller may have gone
}
