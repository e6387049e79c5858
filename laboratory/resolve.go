package laboratory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/certificates"
	"github.com/assaylab/assay/event"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/remote/awslambda"
	"github.com/assaylab/assay/remote/plainhttp"
	"github.com/assaylab/assay/rollout"
	"github.com/assaylab/assay/trial/redact"
)

// resolver turns the names in definitions into what they stand for.
type resolver struct {
	log    *slog.Logger
	env    func(string) (string, bool)
	engine *lambda.Engine
	bureau *bureau
	key    []byte // of redaction
	shared bool   // arms must be reached from all machines
	prices assay.PriceList
	front  string // where the gateway listens, host:port; empty where none does
}

// arms is all that a definition names, ready to use.
type arms struct {
	def        assay.Experiment // with the revisions of its functions
	control    assay.Invoker
	candidates []assay.Invoker
	comparator assay.Comparator
	redactor   *redact.Redactor
	closers    []func()

	shift func(ctx context.Context, base string, weight float64) (string, error) // of the rollout's alias, if it has one
}

// close gives back connections. Invocations under way are not disturbed.
func (a *arms) close() {
	for _, c := range a.closers {
		c()
	}
}

// flawError is what is wrong in one experiment, by path within it.
type flawError struct{ flaws []assay.Flaw }

func (e *flawError) Error() string {
	var lines []string
	for _, f := range e.flaws {
		lines = append(lines, strings.Join(f.Path, ".")+": "+f.What)
	}
	return strings.Join(lines, "\n")
}

// arms resolves an experiment. Functions that are promised will exist by the time they are invoked.
func (r *resolver) arms(ctx context.Context, e assay.Experiment, promised map[string]bool) (*arms, error) {
	if flaws := unshared(&e); r.shared && len(flaws) > 0 {
		return nil, &flawError{flaws}
	}
	a := &arms{def: r.revise(e)}
	var flaws, more []assay.Flaw
	note := func(at string, found []assay.Flaw) {
		for _, f := range found {
			f.Path = append([]string{at}, f.Path...)
			flaws = append(flaws, f)
		}
	}
	a.redactor, more = redact.New(e.Redact, r.key)
	note("redact", more)
	if len(more) == 0 {
		a.comparator, more = r.bureau.comparator(&e, a.redactor)
		flaws = append(flaws, more...)
	}
	invoker := func(arm assay.Arm, at ...string) assay.Invoker {
		inv, flaw := r.invoker(ctx, arm.Target, promised, a)
		if flaw != nil {
			flaw.Path = append(at, flaw.Path...)
			flaws = append(flaws, *flaw)
		}
		return inv
	}
	a.control = invoker(e.Control, "control")
	for _, c := range e.Candidates {
		a.candidates = append(a.candidates, invoker(c, "candidates", c.Name))
	}
	if flaw := r.alias(ctx, a); flaw != nil {
		flaw.Path = append([]string{"rollout"}, flaw.Path...)
		flaws = append(flaws, *flaw)
	}
	if len(flaws) > 0 {
		a.close()
		return nil, &flawError{flaws}
	}
	return a, nil
}

// invoker resolves one target. Account 000000000000 is the embedded engine, unless an endpoint is named.
func (r *resolver) invoker(ctx context.Context, t assay.Target, promised map[string]bool, a *arms) (assay.Invoker, *assay.Flaw) {
	switch {
	case t.URL != "" && leadsBack(t.URL, r.front):
		return nil, &assay.Flaw{
			Path: []string{"url"}, What: fmt.Sprintf("%q is this laboratory's own gateway, which would call itself without end", t.URL),
			Hint: "name the address of the service behind it; --gateway chooses the gateway's",
		}
	case t.URL != "":
		trust, err := certificates.Client(certificates.Files{CA: t.TLS.CA, Cert: t.TLS.Cert, Key: t.TLS.Key}, t.TLS.Name)
		if err != nil {
			return nil, flawOf("tls", err)
		}
		s, err := plainhttp.New(t.URL, plainhttp.Options{MaxBody: a.def.Budget.Body, TLS: trust, Log: r.log})
		if err != nil {
			return nil, flawOf("url", err)
		}
		a.closers = append(a.closers, s.Close)
		return s, nil
	case embedded(t) != "":
		return r.function(embedded(t), t, promised, &a.def)
	default:
		f, err := awslambda.New(ctx, awslambda.Options{ARN: t.ARN, Endpoint: t.Endpoint, Prices: r.prices.For(t.Architecture)})
		if err != nil {
			return nil, flawOf("arn", err)
		}
		a.closers = append(a.closers, f.Close)
		return withEvents(f, t, &a.def), nil
	}
}

// alias resolves the Lambda alias that a rollout shifts, if it shifts one.
func (r *resolver) alias(ctx context.Context, a *arms) *assay.Flaw {
	o := a.def.Rollout
	if o == nil || o.Alias == "" {
		return nil
	}
	var alias rollout.Alias
	if name := embedded(assay.Target{ARN: o.Alias, Endpoint: o.Endpoint}); name != "" {
		function, qualifier, _ := strings.Cut(name, ":")
		alias = embeddedAlias{r.engine, function, qualifier}
	} else {
		remote, err := awslambda.NewAlias(ctx, awslambda.Options{ARN: o.Alias, Endpoint: o.Endpoint})
		if err != nil {
			return flawOf("alias", err)
		}
		a.closers = append(a.closers, remote.Close)
		alias = remote
	}
	i := slices.IndexFunc(a.def.Candidates, func(c assay.Arm) bool { return c.Name == o.Candidate })
	version := a.def.Candidates[i].Target.Version()
	a.shift = func(ctx context.Context, base string, weight float64) (string, error) {
		return rollout.Shift(ctx, alias, base, version, weight)
	}
	return nil
}

// embeddedAlias is an alias of a function on the embedded engine.
type embeddedAlias struct {
	engine         *lambda.Engine
	function, name string
}

// Leads implements rollout.Alias.
func (a embeddedAlias) Leads(context.Context) (version, revision string, err error) {
	now, err := a.engine.GetAlias(a.function, a.name)
	return now.FunctionVersion, now.RevisionId, err
}

// Route implements rollout.Alias.
func (a embeddedAlias) Route(_ context.Context, revision, version string, others map[string]float64) error {
	_, err := a.engine.UpdateAlias(a.function, a.name, control.UpdateAliasInput{
		FunctionVersion: version, RevisionId: revision, RoutingConfig: &control.RoutingConfig{AdditionalVersionWeights: others},
	})
	return err
}

func (r *resolver) function(name string, t assay.Target, promised map[string]bool, e *assay.Experiment) (assay.Invoker, *assay.Flaw) {
	bare, _, _ := strings.Cut(name, ":")
	if _, err := r.engine.Deployment(bare); err != nil && !promised[bare] {
		at := "function"
		if t.Function == "" {
			at = "arn"
		}
		return nil, &assay.Flaw{
			Path: []string{at}, What: fmt.Sprintf("the embedded engine has no function %q", bare),
			Hint: r.knownFunctions(promised),
		}
	}
	return withEvents(r.engine.Invoker(name), t, e), nil
}

func (r *resolver) knownFunctions(promised map[string]bool) string {
	names := slices.Collect(maps.Keys(promised))
	for _, d := range r.engine.Deployments() {
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return "define it under `functions:`; there is none yet"
	}
	slices.Sort(names)
	return "define it under `functions:`, or name one of " + strings.Join(slices.Compact(names), ", ")
}

// withEvents lets a function, which takes events, serve the HTTP requests of an experiment.
func withEvents(f assay.Invoker, t assay.Target, e *assay.Experiment) assay.Invoker {
	format := event.V2
	if t.Event != "" {
		format = event.Format(t.Event)
	}
	return &event.Invoker{Next: f, Format: format, Route: routeOf(e)}
}

// routeOf is the route of an API that stands for an experiment: functions are told what its path names.
func routeOf(e *assay.Experiment) event.Route {
	path := "/" + strings.TrimPrefix(e.Path, "/")
	if rest, ok := strings.CutSuffix(path, "/*"); ok {
		path = rest + "/{proxy+}"
	}
	switch {
	case path == "/{proxy+}":
		return event.Route{}
	case len(e.Methods) == 1:
		return event.Route{Method: e.Methods[0], Path: path}
	}
	return event.Route{Path: path}
}

// embedded returns the name, with its qualifier, of the embedded function that a target means; "" if none.
func embedded(t assay.Target) string {
	if t.Function != "" {
		return t.Function
	}
	a, err := arn.Parse(t.ARN)
	if err != nil || a.Service != "lambda" || a.AccountID != assay.EmbeddedAccount || t.Endpoint != "" {
		return ""
	}
	return strings.TrimPrefix(a.Resource, "function:")
}

// revise notes in each arm the revision of the embedded function it runs now, and of each comparator that of
// its code.
func (r *resolver) revise(e assay.Experiment) assay.Experiment {
	e.Comparators = r.bureau.revise(e.Comparators)
	e.Control.Target = r.revised(e.Control.Target)
	candidates := make([]assay.Arm, len(e.Candidates))
	for i, c := range e.Candidates {
		c.Target = r.revised(c.Target)
		candidates[i] = c
	}
	e.Candidates = candidates
	return e
}

func (r *resolver) revised(t assay.Target) assay.Target {
	if name := embedded(t); name != "" {
		if d, err := r.engine.Deployment(name); err == nil {
			t.Revision = revision(d)
		}
	}
	return t
}

// revision names what a function's answers depend on: its code and its configuration.
func revision(d assay.Deployment) string {
	what, _ := json.Marshal([]any{d.CodeSHA256, d.Runtime, d.Handler, d.MemoryMB, d.Timeout, d.Environment, d.Layers, d.TmpMB, d.Network})
	sum := sha256.Sum256(what)
	return hex.EncodeToString(sum[:8])
}

func flawOf(at string, err error) *assay.Flaw {
	if e, ok := err.(*assay.Error); ok {
		return &assay.Flaw{Path: []string{at}, What: e.What, Hint: e.Hint}
	}
	return &assay.Flaw{Path: []string{at}, What: err.Error()}
}
