// Package laboratory brings definitions into force and changes them while traffic flows. In come
// definitions, from files and by the API, and orders to change them; out go deployed functions, the lanes'
// plans, the gateway's routes, and reports of how each experiment stands. It is where the names in
// definitions become the rooms' things.
package laboratory

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/judge"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/pack"
	"github.com/assaylab/assay/rollout"
	"github.com/assaylab/assay/trial"
)

// sourceAPI marks definitions that came by the API. They live until they are deleted; those of a file
// live as long as the file has them.
const sourceAPI = "api"

// SentName stands for the file in errors about definitions that came by the API.
const SentName = "definition"

// Store is what a laboratory needs of a store.
type Store interface {
	assay.Store
	assay.Definitions
	assay.Rollouts
	assay.Archives
}

// Options of a laboratory; all are needed.
type Options struct {
	Log     *slog.Logger
	Now     func() time.Time
	Seed    func() uint64 // of what a rollout leaves to chance
	Env     func(string) (string, bool)
	Store   Store
	Packer  *pack.Packer
	Engine  *lambda.Engine
	Floor   *trial.Floor
	Gateway *gateway.Gateway
	Key     []byte // of redaction
	Prices  assay.PriceList
	Data    string // the folder in which routes are kept
	Front   string // where the gateway listens, host:port; empty where none does
	// Budgets is told how many bytes of bodies all experiments in force may hold together, when that changes.
	Budgets func(bytes int64)
}

// Laboratory holds the definitions in force and changes them while traffic flows. It is safe for
// concurrent use.
type Laboratory struct {
	log     *slog.Logger
	now     func() time.Time
	seed    func() uint64
	store   Store
	packer  *pack.Packer
	engine  *lambda.Engine
	floor   *trial.Floor
	gateway *gateway.Gateway
	resolve *resolver
	routes  *routes // of functions
	budgets func(bytes int64)

	board  Board          // nil: this laboratory is alone
	posted map[string]int // newest versions on it, by name

	mu       sync.Mutex                  // held while definitions change
	inForce  map[string]*experiment      // by name
	past     map[string]assay.Experiment // newest version of all that ever were, deleted ones included
	fromFile map[string]string           // digests of what the files said when last read, by name

	standings map[string]assay.Standing // of rollouts, as the last run left them
}

// New returns a laboratory in which nothing is in force yet: Load and Reload bring it there.
func New(o Options) (*Laboratory, error) {
	routes, err := openRoutes(o.Data)
	if err != nil {
		return nil, err
	}
	bureau, err := openBureau(o.Data, o.Packer, o.Log)
	if err != nil {
		return nil, err
	}
	return &Laboratory{
		log: o.Log, now: o.Now, seed: o.Seed, store: o.Store, packer: o.Packer, engine: o.Engine, floor: o.Floor, gateway: o.Gateway, budgets: o.Budgets,
		routes: routes, resolve: &resolver{log: o.Log, bureau: bureau, env: o.Env, engine: o.Engine, key: o.Key, prices: o.Prices, front: o.Front},
		posted:  map[string]int{},
		inForce: map[string]*experiment{}, past: map[string]assay.Experiment{}, fromFile: map[string]string{},
	}, nil
}

// Close gives back what the arms in force hold, and ends the comparators that run.
func (l *Laboratory) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range l.inForce {
		x.arms.close()
	}
	return l.resolve.bureau.close()
}

// experiment is a definition in force with all it names resolved.
type experiment struct {
	def     assay.Experiment
	arms    *arms
	lane    *trial.Lane
	rollout *rollout.Run // nil: the control serves
}

// Apply implements console.Laboratory.
func (l *Laboratory) Apply(ctx context.Context, name string, definition []byte) ([]assay.Change, error) {
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
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.change(ctx, doc, doc.Experiments, nil)
}

func (l *Laboratory) parse(name string, definition []byte) (config.Document, error) {
	doc, err := l.read(name, definition)
	if err == nil && len(doc.Notify) > 0 {
		return doc, &assay.Error{
			Code: assay.CodeInvalid, What: "whom to tell of events is not changed from outside", Where: SentName,
			Hint: "write `notify:` in a file that `assay up` is given",
		}
	}
	return doc, err
}

func (l *Laboratory) read(name string, definition []byte) (config.Document, error) {
	opt := config.Options{LookupEnv: l.resolve.env}
	if name == "" || config.IsDocument(definition) {
		doc, err := config.Parse(SentName, definition, opt)
		if err != nil || name == "" {
			return doc, err
		}
		return ofOne(name, doc)
	}
	e, err := config.ParseExperiment(name, name, definition, opt)
	return config.Document{Experiments: []assay.Experiment{e}}, err
}

// Patch implements console.Laboratory.
func (l *Laboratory) Patch(ctx context.Context, name string, p assay.Patch) (assay.Experiment, error) {
	if p.Rollout != "" {
		return l.order(ctx, name, rollout.Order(p.Rollout))
	}
	return l.edit(ctx, name, func(e *assay.Experiment) error {
		if p.Sample != nil {
			e.Sample = *p.Sample
		}
		if p.State != nil {
			e.State, e.Tripped = *p.State, "" // a person's doing
		}
		return nil
	})
}

// edit brings a live change of an experiment into force, if it changes anything.
func (l *Laboratory) edit(ctx context.Context, name string, change func(*assay.Experiment) error) (assay.Experiment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.inForce[name]
	if x == nil {
		return assay.Experiment{}, l.unknown(name)
	}
	to := x.def
	if err := change(&to); err != nil {
		return assay.Experiment{}, err
	}
	if flaws := check.Experiment(&to); len(flaws) > 0 {
		return assay.Experiment{}, invalid(flaws[0].What, flaws[0].Hint)
	}
	if same(to, x.def) {
		return x.def, nil
	}
	next, err := l.resolved(ctx, l.next(to))
	if flawed := (*flawError)(nil); errors.As(err, &flawed) {
		return assay.Experiment{}, invalid(flawed.flaws[0].What, flawed.flaws[0].Hint)
	}
	if err != nil {
		return assay.Experiment{}, err
	}
	l.log.Info("experiment changed live", "name", name, "state", to.State, "sample", to.Sample.Rate, "rules", len(to.Rules), "version", next.def.Version)
	return next.def, l.commit(ctx, transition{install: []*experiment{next}})
}

// Delete implements console.Laboratory.
func (l *Laboratory) Delete(ctx context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inForce[name] == nil {
		return l.unknown(name)
	}
	return l.commit(ctx, transition{remove: []string{name}})
}

// Render implements console.Laboratory.
func (l *Laboratory) Render(name string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.inForce[name]
	if x == nil {
		return nil, l.unknown(name)
	}
	return config.Render(config.Document{Experiments: []assay.Experiment{x.def}})
}

// Reports implements console.Laboratory.
func (l *Laboratory) Reports(ctx context.Context) ([]assay.Report, error) {
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
func (l *Laboratory) Report(ctx context.Context, name string) (assay.Report, error) {
	for _, e := range l.definitions() {
		if e.Name == name {
			return l.report(ctx, e)
		}
	}
	return assay.Report{}, l.unknown(name)
}

func (l *Laboratory) definitions() []assay.Experiment {
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
func (l *Laboratory) report(ctx context.Context, e assay.Experiment) (assay.Report, error) {
	counts, err := l.store.Counts(ctx, e.Name, e.Since)
	if err != nil {
		return assay.Report{}, err
	}
	if ledger, done, ok := l.floor.Ledger(e.Name); ok && ledger.Since == e.Since {
		counts.With(ledger)
		if done && e.State == assay.StateRunning {
			e.State = assay.StateDone
		}
	}
	counts.Arms = inOrder(&e, &counts)
	lane, _ := l.floor.State(e.Name)
	if lane.Strata.Since == e.Since {
		counts.WithStrata(lane.Strata)
	}
	report := assay.Report{Experiment: e, Counts: counts, Verdicts: judge.Judge(e, counts)}
	report.Lane = lane
	if run, err := l.rolloutOf(e.Name); err == nil {
		standing := run.Standing()
		report.Rollout = &standing
	}
	return report, nil
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
	for _, a := range e.Candidates {
		if rare := c.Arm(assay.RoleRare, a.Name); rare.Observations > 0 {
			arms = append(arms, rare)
		}
	}
	return arms
}

// ComparatorCode lists the folders and files of the code that experiments compare with.
func (l *Laboratory) ComparatorCode() []string {
	var all []string
	for _, e := range l.definitions() {
		for _, spec := range e.Comparators {
			if spec.Code != "" {
				all = append(all, spec.Code)
			}
		}
	}
	return all
}

// usersOf lists the experiments that have an embedded function as an arm.
func (l *Laboratory) usersOf(function string) []string {
	var users []string
	for _, e := range l.definitions() {
		for _, a := range append([]assay.Arm{e.Control}, e.Candidates...) {
			if bare, _, _ := strings.Cut(embedded(a.Target), ":"); bare == function {
				users = append(users, e.Name)
				break
			}
		}
	}
	return users
}

func (l *Laboratory) unknown(name string) error {
	return &assay.Error{
		Code: assay.CodeNotFound, What: "there is no experiment " + strconv.Quote(name),
		Hint: "`assay get experiments` lists them",
	}
}

func invalid(what, hint string) error {
	return &assay.Error{Code: assay.CodeInvalid, What: what, Hint: hint}
}
