package laboratory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/pack"
	"github.com/assaylab/assay/trial"
)

// transition is what goes into force, and out of it, at once.
type transition struct {
	install []*experiment // new versions, resolved
	remove  []string
	changes []assay.Change // as told to people
}

// Load reads what the store knows of earlier runs. Experiments that came by the API go into force again;
// those of a file wait until a file has them.
func (l *Laboratory) Load(ctx context.Context) error {
	known, err := l.store.Load(ctx)
	if err != nil {
		return err
	}
	standings, err := l.store.Standings(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.standings = map[string]assay.Standing{}
	for _, s := range standings {
		l.standings[s.Experiment] = s
	}
	l.goOn(ctx, known)
	return nil
}

// goOn puts definitions of an earlier run into force that came by the API, or of another laboratory.
func (l *Laboratory) goOn(ctx context.Context, known []assay.Experiment) {
	for _, e := range known {
		if l.past[e.Name].Version >= e.Version {
			continue // it was on the board
		}
		l.past[e.Name] = e
		if e.Source != sourceAPI || e.State == assay.StateDeleted {
			continue
		}
		x, err := l.resolved(ctx, e)
		if err == nil {
			err = l.commit(ctx, transition{install: []*experiment{x}})
		}
		if err != nil {
			l.log.Error("an experiment that is kept cannot go on", "experiment", e.Name, "error", err)
		}
	}
}

// Reload puts into force what the files say that `assay up` was given. What a file says as it did when
// last read stays as it is, with the changes that were made to it live, a deletion among them. What was
// in a file and is in none any more is deleted.
func (l *Laboratory) Reload(ctx context.Context, doc config.Document) ([]assay.Change, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	said := map[string]string{}
	var news []assay.Experiment
	for _, e := range doc.Experiments {
		said[e.Name] = config.Digest(e)
		if l.fromFile[e.Name] != said[e.Name] {
			news = append(news, e)
		}
	}
	var gone []string
	for name, x := range l.inForce {
		_, had := l.fromFile[name] // and did not come from another machine's
		if _, has := said[name]; !has && had && x.def.Source != sourceAPI {
			gone = append(gone, name)
		}
	}
	changes, err := l.change(ctx, doc, news, gone)
	if err == nil {
		l.fromFile = said
	}
	return changes, err
}

// change deploys a document's functions, brings experiments into force and deletes others. What is wrong
// with any of them is found first, and changes nothing. A function that does not build or cannot be
// deployed leaves the experiments as they were; functions deployed before it stay, and what runs them
// begins new evidence.
func (l *Laboratory) change(ctx context.Context, doc config.Document, news []assay.Experiment, gone []string) ([]assay.Change, error) {
	if err := l.check(ctx, doc, news, gone); err != nil {
		return nil, err
	}
	changes, err := l.deploy(ctx, doc)
	if err != nil {
		news, gone = nil, nil
	}
	t, failed := l.plan(ctx, news, gone)
	if failed == nil {
		failed = l.commit(ctx, t)
	}
	return append(changes, t.changes...), errors.Join(err, failed)
}

// check finds everything that would keep experiments from going into force.
func (l *Laboratory) check(ctx context.Context, doc config.Document, news []assay.Experiment, gone []string) error {
	var flaws []error
	promised := map[string]bool{}
	for _, f := range doc.Functions {
		promised[f.Name] = true
	}
	for _, e := range news {
		arms, err := l.resolve.arms(ctx, e, promised)
		if err != nil {
			flaws = append(flaws, located(doc, e, err))
			continue
		}
		arms.close()
	}
	if len(flaws) > 0 {
		return errors.Join(flaws...)
	}
	return l.checkRoutes(doc, news, gone)
}

// checkRoutes tries the routing table as it would be, adding one experiment after the other so that it
// can say which does not fit.
func (l *Laboratory) checkRoutes(doc config.Document, news []assay.Experiment, gone []string) error {
	leave := slices.Clone(gone)
	for i := range news {
		leave = append(leave, news[i].Name)
	}
	var routes []gateway.Route
	for name, x := range l.inForce {
		if !slices.Contains(leave, name) && x.def.Traffic == assay.TrafficLive {
			routes = append(routes, route(&x.def, x.arms.control, nil))
		}
	}
	for i := range news {
		if news[i].Traffic != assay.TrafficLive {
			continue
		}
		routes = append(routes, route(&news[i], assay.InvokerFunc(nil), nil))
		if err := gateway.Check(routes); err != nil {
			return config.Placed(err, doc.Where("experiments", news[i].Name, "path"))
		}
	}
	return nil
}

func (l *Laboratory) deploy(ctx context.Context, doc config.Document) ([]assay.Change, error) {
	var changes []assay.Change
	for _, f := range doc.Functions {
		before, unknown := l.engine.Deployment(f.Name)
		after, err := l.install(ctx, f)
		if err != nil {
			return changes, config.Placed(err, doc.Where("functions", f.Name))
		}
		change := assay.Change{Kind: "function", Name: f.Name, Action: "configured"}
		if unknown != nil {
			change.Action = "created"
		} else if revision(before) == revision(after) {
			change.Action = "unchanged"
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// install packs a function's folder, building it if need be, and gives it to the engine.
func (l *Laboratory) install(ctx context.Context, f assay.Function) (assay.Deployment, error) {
	made, err := l.packer.Pack(ctx, pack.Source{Name: f.Name, Path: f.Code, Runtime: f.Runtime, Handler: f.Handler, Build: f.Build})
	if err != nil {
		return assay.Deployment{}, err
	}
	return l.engine.Deploy(ctx, f, made.Zip)
}

// plan resolves what is to go into force: the experiments given, and those whose functions were deployed
// anew, which begin new evidence.
func (l *Laboratory) plan(ctx context.Context, news []assay.Experiment, gone []string) (transition, error) {
	t := transition{remove: gone}
	for _, e := range news {
		version, action := l.version(e)
		if action != "unchanged" || l.inForce[e.Name] == nil {
			x, err := l.resolved(ctx, version)
			if err != nil {
				return transition{}, err
			}
			t.install = append(t.install, x)
		}
		t.changes = append(t.changes, assay.Change{Kind: "experiment", Name: e.Name, Action: action, Version: version.Version})
	}
	for _, name := range slices.Sorted(maps.Keys(l.inForce)) {
		def := l.inForce[name].def
		now := l.resolve.revise(def)
		named := slices.Contains(gone, name) || slices.ContainsFunc(news, func(e assay.Experiment) bool { return e.Name == name })
		if named || now.SameEvidence(&def) {
			continue
		}
		x, err := l.resolved(ctx, l.next(now))
		if err != nil {
			return transition{}, err
		}
		t.install = append(t.install, x)
	}
	for _, name := range gone {
		t.changes = append(t.changes, assay.Change{Kind: "experiment", Name: name, Action: "deleted"})
	}
	return t, nil
}

// version makes of a definition the version of its experiment that it stands for: the present one if it
// says nothing new, else the next. A definition that its source has not changed since keeps the changes
// made to it live; one that has keeps a pause, and the rules that were accepted live.
func (l *Laboratory) version(e assay.Experiment) (version assay.Experiment, action string) {
	e = l.resolve.revise(e)
	e.Digest, e.State = config.Digest(e), assay.StateRunning
	old, known := l.past[e.Name]
	if !known || old.State == assay.StateDeleted {
		return l.next(e), "created"
	}
	if old.Digest == e.Digest && old.Source == e.Source {
		control, candidates, comparators := e.Control, e.Candidates, e.Comparators // with the revisions of their code
		e = old
		e.Control, e.Candidates, e.Comparators = control, candidates, comparators
	}
	e.State, e.Tripped, e.Rules = old.State, old.Tripped, withAccepted(e.Rules, old.Rules)
	if old.SameEvidence(&e) && same(old, e) {
		return old, "unchanged"
	}
	return l.next(e), "configured"
}

// same tells whether two versions say the same, apart from what their functions are now.
func same(a, b assay.Experiment) bool {
	return config.Digest(a) == config.Digest(b) && a.State == b.State && a.Digest == b.Digest && a.Source == b.Source
}

// next makes e the version after the newest known one of its name. Its evidence goes on if it asks
// the same question.
func (l *Laboratory) next(e assay.Experiment) assay.Experiment {
	old := l.past[e.Name]
	e.Version, e.Since, e.Changed = old.Version+1, old.Version+1, l.now()
	if old.Version > 0 && old.State != assay.StateDeleted && old.SameEvidence(&e) {
		e.Since = old.Since
	}
	return e
}

func (l *Laboratory) resolved(ctx context.Context, e assay.Experiment) (*experiment, error) {
	arms, err := l.resolve.arms(ctx, e, nil)
	if err != nil {
		return nil, err
	}
	return &experiment{def: e, arms: arms}, nil
}

// commit writes a transition down, and puts it into force with one swap of the routing table.
func (l *Laboratory) commit(ctx context.Context, t transition) error {
	past := maps.Clone(l.past)
	for _, x := range t.install {
		past[x.def.Name] = x.def
	}
	for _, name := range t.remove {
		e := past[name]
		e.Version, e.State, e.Changed = e.Version+1, assay.StateDeleted, l.now()
		past[name] = e
	}
	if err := l.post(ctx, append(installed(t), t.remove...), past); err != nil {
		return err
	}
	return l.enact(ctx, t, past)
}

// enact puts a transition into force whose versions everybody knows, or will.
func (l *Laboratory) enact(ctx context.Context, t transition, past map[string]assay.Experiment) error {
	inForce := maps.Clone(l.inForce)
	for _, x := range t.install {
		inForce[x.def.Name] = x
	}
	for _, name := range t.remove {
		delete(inForce, name)
	}
	if err := l.save(ctx, t, past); err != nil {
		return err
	}
	var leaving []*experiment
	for _, name := range append(installed(t), t.remove...) {
		if x := l.inForce[name]; x != nil {
			leaving = append(leaving, x)
		}
	}
	l.past, l.inForce = past, inForce
	err := l.route()
	for _, name := range t.remove {
		l.floor.Remove(name)
	}
	for _, x := range leaving {
		x.arms.close()
	}
	return err
}

// save writes the new versions down and gives the lanes their plans.
func (l *Laboratory) save(ctx context.Context, t transition, past map[string]assay.Experiment) error {
	for _, name := range append(installed(t), t.remove...) {
		if err := l.store.Save(ctx, past[name]); err != nil {
			return err
		}
	}
	for _, x := range t.install {
		lane, err := l.floor.Set(ctx, &trial.Plan{
			Experiment: x.def, Control: x.arms.control, Candidates: x.arms.candidates,
			Comparator: x.arms.comparator, Redactor: x.arms.redactor,
		})
		if err != nil {
			return err
		}
		x.lane = lane
		l.takeOver(x)
	}
	return nil
}

func installed(t transition) []string {
	var names []string
	for _, x := range t.install {
		names = append(names, x.def.Name)
	}
	return names
}

// route gives the gateway the table of what is in force, and says what that may hold.
func (l *Laboratory) route() error {
	var routes []gateway.Route
	var held int64
	for _, name := range slices.Sorted(maps.Keys(l.inForce)) {
		held += l.inForce[name].def.Budget.Memory
		if x := l.inForce[name]; x.def.Traffic == assay.TrafficLive {
			r := route(&x.def, x.arms.control, x.lane)
			r.Split, r.Canary = splitOf(x), canaryOf(x)
			routes = append(routes, r)
		}
	}
	l.budgets(min(held, l.floor.Memory()))
	return l.gateway.Set(append(routes, functionRoutes(l.engine, l.routes.all)...))
}

func route(e *assay.Experiment, control assay.Invoker, lane *trial.Lane) gateway.Route {
	r := gateway.Route{Experiment: e.Name, Path: e.Path, Methods: e.Methods, Control: control}
	if lane != nil {
		r.Lane = lane
	}
	return r
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
