package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/judge"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/trial"
)

// sourceAPI marks definitions that came by the API. They live until they are deleted; those of a file
// live as long as the file has them.
const sourceAPI = "api"

// keeping is what a laboratory needs of a store.
type keeping interface {
	assay.Store
	assay.Definitions
}

// laboratory holds the definitions in force and changes them while traffic flows. It implements
// console.Laboratory.
type laboratory struct {
	log     *slog.Logger
	now     func() time.Time
	store   keeping
	engine  *lambda.Engine
	floor   *trial.Floor
	gateway *gateway.Gateway
	resolve *resolver

	mu      sync.Mutex                  // held while definitions change
	inForce map[string]*experiment      // by name
	past    map[string]assay.Experiment // newest version of all that ever were, deleted ones included
}

// experiment is a definition in force with all it names resolved.
type experiment struct {
	def  assay.Experiment
	arms *arms
	lane *trial.Lane
}

// load reads what the store knows of earlier runs. Experiments that came by the API go into force again.
func (l *laboratory) load(ctx context.Context) error {
	known, err := l.store.Load(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range known {
		l.past[e.Name] = e
		if e.Source != sourceAPI || e.State == assay.StateDeleted {
			continue
		}
		if err := l.restore(ctx, e); err != nil {
			l.log.Error("an experiment of the last run cannot go on", "experiment", e.Name, "error", err)
		}
	}
	return nil
}

func (l *laboratory) restore(ctx context.Context, e assay.Experiment) error {
	arms, err := l.resolve.arms(ctx, e, nil)
	if err != nil {
		return err
	}
	return l.install(ctx, e, arms)
}

// apply puts the definitions of a document into force: all of them, or none and an error.
func (l *laboratory) apply(ctx context.Context, doc config.Document) ([]assay.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.applyLocked(ctx, doc)
}

// reload is apply for the files that `assay up` was given: experiments that came by a file and are in
// none any more are deleted.
func (l *laboratory) reload(ctx context.Context, doc config.Document) ([]assay.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	changes, err := l.applyLocked(ctx, doc)
	if err != nil {
		return changes, err
	}
	gone, err := l.prune(ctx, doc)
	return append(changes, gone...), err
}

func (l *laboratory) applyLocked(ctx context.Context, doc config.Document) ([]assay.Change, error) {
	if err := l.check(ctx, doc); err != nil {
		return nil, err
	}
	var changes []assay.Change
	for _, f := range doc.Functions {
		change, err := l.deploy(ctx, f)
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
	}
	for _, e := range doc.Experiments {
		change, err := l.put(ctx, e)
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
	}
	return changes, l.refresh(ctx)
}

// check finds everything that would keep a document from going into force, changing nothing.
func (l *laboratory) check(ctx context.Context, doc config.Document) error {
	var flaws []error
	promised := map[string]bool{}
	for _, f := range doc.Functions {
		promised[f.Name] = true
	}
	for _, e := range doc.Experiments {
		arms, err := l.resolve.arms(ctx, e, promised)
		if err != nil {
			flaws = append(flaws, located(doc, e, err))
			continue
		}
		arms.close()
	}
	if len(flaws) == 0 {
		flaws = append(flaws, l.checkRoutes(doc))
	}
	return errors.Join(flaws...)
}

// checkRoutes tries the routing table as it would be.
func (l *laboratory) checkRoutes(doc config.Document) error {
	routes := map[string]gateway.Route{}
	for name, x := range l.inForce {
		routes[name] = route(&x.def, x.arms.control, nil)
	}
	for i := range doc.Experiments {
		routes[doc.Experiments[i].Name] = route(&doc.Experiments[i], assay.InvokerFunc(nil), nil)
	}
	return gateway.Check(slices.Collect(maps.Values(routes)))
}

func (l *laboratory) deploy(ctx context.Context, f assay.Function) (assay.Change, error) {
	change := assay.Change{Kind: "function", Name: f.Name, Action: "created"}
	before, known := l.engine.Deployment(f.Name)
	after, err := l.engine.Deploy(ctx, f)
	if err != nil {
		return change, err
	}
	if known == nil {
		change.Action = "configured"
		if revision(before) == revision(after) {
			change.Action = "unchanged"
		}
	}
	return change, nil
}

// put brings one experiment into force. A definition that its source has not changed leaves the
// experiment as it is, with the changes made to it live.
func (l *laboratory) put(ctx context.Context, e assay.Experiment) (assay.Change, error) {
	e.Digest = config.Digest(e)
	e.State = assay.StateRunning
	arms, err := l.resolve.arms(ctx, e, nil)
	if err != nil {
		return assay.Change{}, err
	}
	e = arms.def // with the functions' revisions
	old, existed := l.past[e.Name]
	change := assay.Change{Kind: "experiment", Name: e.Name, Action: "created", Version: 1}
	running := existed && old.State != assay.StateDeleted
	if running {
		change.Action = "configured"
		if old.Digest == e.Digest && old.Source == e.Source {
			e = withQuestionOf(old, e)
		} else {
			e.State = old.State
		}
	}
	if running && old.SameEvidence(&e) && same(old, e) {
		change.Action, e = "unchanged", old
		if l.inForce[e.Name] != nil {
			arms.close()
			change.Version = e.Version
			return change, nil
		}
	} else {
		e = l.next(e)
	}
	arms.def = e
	change.Version = e.Version
	return change, l.install(ctx, e, arms)
}

// withQuestionOf keeps an experiment as it runs, but for the functions its arms run now.
func withQuestionOf(running, file assay.Experiment) assay.Experiment {
	running.Control, running.Candidates = file.Control, file.Candidates
	return running
}

// same tells whether two versions say the same.
func same(a, b assay.Experiment) bool {
	for _, e := range []*assay.Experiment{&a, &b} {
		e.Version, e.Since, e.Changed = 0, 0, time.Time{}
	}
	return config.Digest(a) == config.Digest(b) && a.State == b.State && a.Digest == b.Digest && a.Source == b.Source
}

// next makes e the version after the newest known one of its name. Its evidence goes on if it asks
// the same question.
func (l *laboratory) next(e assay.Experiment) assay.Experiment {
	old := l.past[e.Name]
	e.Version, e.Since, e.Changed = old.Version+1, old.Version+1, l.now()
	if old.Version > 0 && old.State != assay.StateDeleted && old.SameEvidence(&e) {
		e.Since = old.Since
	}
	return e
}

// install writes a version down and puts it into force.
func (l *laboratory) install(ctx context.Context, e assay.Experiment, arms *arms) error {
	if err := l.store.Save(ctx, e); err != nil {
		return err
	}
	lane, err := l.floor.Set(ctx, &trial.Plan{
		Experiment: e, Control: arms.control, Candidates: arms.candidates,
		Comparator: arms.comparator, Redactor: arms.redactor,
	})
	if err != nil {
		return err
	}
	old := l.inForce[e.Name]
	l.inForce[e.Name] = &experiment{def: e, arms: arms, lane: lane}
	l.past[e.Name] = e
	if err := l.route(); err != nil {
		return err
	}
	if old != nil {
		old.arms.close()
	}
	return nil
}

// route gives the gateway the table of what is in force.
func (l *laboratory) route() error {
	var routes []gateway.Route
	for _, name := range slices.Sorted(maps.Keys(l.inForce)) {
		x := l.inForce[name]
		routes = append(routes, route(&x.def, x.arms.control, x.lane))
	}
	return l.gateway.Set(routes)
}

func route(e *assay.Experiment, control assay.Invoker, lane *trial.Lane) gateway.Route {
	r := gateway.Route{Experiment: e.Name, Path: e.Path, Methods: e.Methods, Control: control}
	if lane != nil {
		r.Lane = lane
	}
	return r
}

// prune deletes the experiments in force that came by a file and that a document lacks.
func (l *laboratory) prune(ctx context.Context, doc config.Document) ([]assay.Change, error) {
	var changes []assay.Change
	for _, name := range slices.Sorted(maps.Keys(l.inForce)) {
		has := slices.ContainsFunc(doc.Experiments, func(d assay.Experiment) bool { return d.Name == name })
		if has || l.inForce[name].def.Source == sourceAPI {
			continue
		}
		if err := l.remove(ctx, name); err != nil {
			return changes, err
		}
		changes = append(changes, assay.Change{Kind: "experiment", Name: name, Action: "deleted"})
	}
	return changes, nil
}

func (l *laboratory) remove(ctx context.Context, name string) error {
	e := l.past[name]
	e.Version, e.State, e.Changed = e.Version+1, assay.StateDeleted, l.now()
	if err := l.store.Save(ctx, e); err != nil {
		return err
	}
	l.past[name] = e
	x := l.inForce[name]
	delete(l.inForce, name)
	err := l.route()
	l.floor.Remove(name)
	x.arms.close()
	return err
}

// refresh begins new evidence for the experiments whose functions were deployed anew.
func (l *laboratory) refresh(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(l.inForce)) {
		x := l.inForce[name]
		now := l.resolve.revise(x.def)
		if now.SameEvidence(&x.def) {
			continue
		}
		if err := l.change(ctx, x, now); err != nil {
			return err
		}
	}
	return nil
}

// change puts a new version of what runs into force.
func (l *laboratory) change(ctx context.Context, x *experiment, to assay.Experiment) error {
	arms, err := l.resolve.arms(ctx, to, nil)
	if err != nil {
		return err
	}
	return l.install(ctx, l.next(to), arms)
}

// Apply implements console.Laboratory.
func (l *laboratory) Apply(ctx context.Context, name string, definition []byte) ([]assay.Change, error) {
	doc, err := l.parse(name, definition)
	if err != nil {
		return nil, err
	}
	for i := range doc.Experiments {
		doc.Experiments[i].Source = sourceAPI
	}
	for i := range doc.Functions {
		doc.Functions[i].Source = sourceAPI
	}
	return l.apply(ctx, doc)
}

func (l *laboratory) parse(name string, definition []byte) (config.Document, error) {
	opt := config.Options{LookupEnv: l.resolve.env}
	if name == "" {
		return config.Parse("definition", definition, opt)
	}
	e, err := config.ParseExperiment(name, name, definition, opt)
	return config.Document{Experiments: []assay.Experiment{e}}, err
}

// Patch implements console.Laboratory.
func (l *laboratory) Patch(ctx context.Context, name string, p assay.Patch) (assay.Experiment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.inForce[name]
	if x == nil {
		return assay.Experiment{}, l.unknown(name)
	}
	to := x.def
	if p.Sample != nil {
		to.Sample = *p.Sample
	}
	if p.State != nil {
		to.State = *p.State
	}
	if flaws := to.Flaws(); len(flaws) > 0 {
		return assay.Experiment{}, invalid(flaws[0].What, flaws[0].Hint)
	}
	if same(to, x.def) {
		return x.def, nil
	}
	if err := l.change(ctx, x, to); err != nil {
		return assay.Experiment{}, err
	}
	return l.inForce[name].def, nil
}

// Delete implements console.Laboratory.
func (l *laboratory) Delete(ctx context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inForce[name] == nil {
		return l.unknown(name)
	}
	return l.remove(ctx, name)
}

// Render implements console.Laboratory.
func (l *laboratory) Render(name string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.inForce[name]
	if x == nil {
		return nil, l.unknown(name)
	}
	return config.Render(config.Document{Experiments: []assay.Experiment{x.def}})
}

// Reports implements console.Laboratory.
func (l *laboratory) Reports(ctx context.Context) ([]assay.Report, error) {
	var reports []assay.Report
	for _, e := range l.definitions() {
		r, err := l.report(ctx, e)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// Report implements console.Laboratory.
func (l *laboratory) Report(ctx context.Context, name string) (assay.Report, error) {
	for _, e := range l.definitions() {
		if e.Name == name {
			return l.report(ctx, e)
		}
	}
	return assay.Report{}, l.unknown(name)
}

func (l *laboratory) definitions() []assay.Experiment {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []assay.Experiment
	for _, name := range slices.Sorted(maps.Keys(l.inForce)) {
		all = append(all, l.inForce[name].def)
	}
	return all
}

// report reads the kept counts before the live ledger: a trial kept in between shows as in flight,
// never as kept and not sampled.
func (l *laboratory) report(ctx context.Context, e assay.Experiment) (assay.Report, error) {
	counts, err := l.store.Counts(ctx, e.Name, e.Since)
	if err != nil {
		return assay.Report{}, err
	}
	if ledger, done, ok := l.floor.Ledger(e.Name); ok && ledger.Since == e.Since {
		counts.Ledger = ledger
		if done && e.State == assay.StateRunning {
			e.State = assay.StateDone
		}
	}
	counts.Arms = inOrder(&e, &counts)
	return assay.Report{Experiment: e, Counts: counts, Verdicts: judge.Judge(e, counts)}, nil
}

// inOrder lists every arm of the definition, seen or not, as the definition has them.
func inOrder(e *assay.Experiment, c *assay.Counts) []assay.ArmCounts {
	arms := []assay.ArmCounts{c.Arm(assay.RoleControl, e.Control.Name)}
	if second := c.Arm(assay.RoleSecondary, e.Control.Name); e.Secondary > 0 || second.Observations > 0 {
		arms = append(arms, second)
	}
	for _, a := range e.Candidates {
		arms = append(arms, c.Arm(assay.RoleCandidate, a.Name))
	}
	return arms
}

func (l *laboratory) unknown(name string) error {
	return &assay.Error{
		Code: assay.CodeNotFound, What: "there is no experiment " + strconv.Quote(name),
		Hint: "`assay get experiments` lists them",
	}
}

// located names the place in its document of what is wrong with an experiment.
func located(doc config.Document, e assay.Experiment, err error) error {
	var flawed *flawError
	if !errors.As(err, &flawed) {
		return err
	}
	var all []error
	for _, f := range flawed.flaws {
		all = append(all, &assay.Error{
			Code: assay.CodeInvalid, What: fmt.Sprintf("experiment %s: %s", e.Name, f.What),
			Where: doc.Where(append([]string{"experiments", e.Name}, f.Path...)...), Hint: f.Hint,
		})
	}
	return errors.Join(all...)
}
