// Package pages shows a laboratory to people, in a browser. In come reports, kept trials and the embedded
// engine's functions; out go HTML pages, and the style and scripts that they load: nothing is fetched from
// elsewhere.
package pages

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/drift"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/noise"
	"github.com/assaylab/assay/reading"
	"github.com/assaylab/assay/whatif"
)

// Laboratory tells of the experiments, as console.Laboratory does.
type Laboratory interface {
	Reports(context.Context) ([]assay.Report, error)
	Report(ctx context.Context, name string) (assay.Report, error)
	Render(name string) ([]byte, error)
	Rollout(ctx context.Context, name string) (assay.Standing, []assay.Step, error)
	History(ctx context.Context, name string, limit int) ([]assay.Revision, error)
}

// Functions tells what the embedded engine runs.
type Functions interface {
	Deployments() []assay.Deployment
	Deployment(name string) (assay.Deployment, error)
	Inventory(name string) (assay.Inventory, error)
	Logs(ctx context.Context, name string, q assay.LogQuery, w io.Writer) error
}

// Trials finds kept trials.
type Trials interface {
	Trials(context.Context, assay.Query) (assay.Page, error)
	Trial(ctx context.Context, id string) (*assay.Trial, error)
}

// Reading tells of rules and differences, as console.Reading does.
type Reading interface {
	Rules(ctx context.Context, experiment string) ([]noise.Status, []noise.Proposal, error)
	Clusters(ctx context.Context, experiment string) ([]assay.Cluster, error)
	Drift(ctx context.Context, experiment string, span reading.Span) ([]drift.Report, error)
	Replay(ctx context.Context, experiment string, rules []byte, span reading.Span) (whatif.Result, error)
	Case(ctx context.Context, want reading.Wanted) (*export.Reproduction, error)
}

// Options of Pages. All are needed but Pixels.
type Options struct {
	Laboratory Laboratory
	Functions  Functions
	Store      Trials
	Reading    Reading

	Version string // of the program, for people
	Guarded bool   // a token is asked for
	Now     func() time.Time
	// Health tells how the laboratory itself is.
	Health func(context.Context) (*shape.Health, error)
	// Outage says why no trials can be kept at present, "" while they can.
	Outage func() string
	// Explain turns an error into one for people, and the status it is answered with.
	Explain func(*http.Request, error) (int, *assay.Error)
	// Pixels draws, as PNG, the pixels that differ between two images; no such picture if nil.
	Pixels func(control, candidate []byte) ([]byte, error)
}

// Pages answers requests for pages.
type Pages struct {
	opt   Options
	frame *frame
}

// New fails only when what is embedded in the program is broken.
func New(opt Options) (*Pages, error) {
	frame, err := loadFrame(opt.Version)
	return &Pages{opt, frame}, err
}

// Routes has mux serve the pages, and all that no other pattern matches.
func (p *Pages) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /static/{build}/{file...}", p.frame.asset)
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":                             p.overviewPage,
		"GET /experiments/{name}":              p.experimentPage,
		"GET /experiments/{name}/differences":  p.differencesPage,
		"POST /experiments/{name}/differences": p.whatifPage,
		"GET /trials/{id}":                     p.trialPage,
		"GET /trials/{id}/reproduction/{arm}":  p.reproductionPage,
		"GET /functions":                       p.functionsPage,
		"GET /functions/{name}":                p.functionPage,
		"GET /rules":                           p.rulesPage,
		"GET /rollouts":                        p.rolloutsPage,
		"GET /health":                          p.healthPage,
		"GET /trials/{id}/request":             p.requestBody,
		"GET /trials/{id}/bodies/{arm}":        p.body,
		"GET /trials/{id}/images/{arm}":        p.image,
		"GET /trials/{id}/pixels/{arm}":        p.pixels,
		"/":                                    noSuchPage,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				p.problem(w, r, err)
			}
		})
	}
}

func noSuchPage(_ http.ResponseWriter, r *http.Request) error {
	return &assay.Error{Code: assay.CodeNotFound, What: "There is no such page", Where: r.URL.Path, Hint: "The overview lists every experiment."}
}

// show answers with the named page.
func (p *Pages) show(w http.ResponseWriter, status int, name string, data page) error {
	data.Outage = p.opt.Outage()
	return p.frame.show(w, status, name, data)
}

// problem shows an error as a page.
func (p *Pages) problem(w http.ResponseWriter, r *http.Request, err error) {
	status, known := p.opt.Explain(r, err)
	if err := p.show(w, status, "problem", page{Title: known.What, Body: known}); err != nil {
		http.Error(w, known.What, status)
	}
}

// Login asks for the token.
func (p *Pages) Login(w http.ResponseWriter, failed bool) {
	if err := p.frame.show(w, http.StatusUnauthorized, "login", page{Title: "Sign in", Body: failed}); err != nil {
		http.Error(w, "the token is missing or wrong", http.StatusUnauthorized)
	}
}
