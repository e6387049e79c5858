package trial

import (
	"strings"
	"sync"

	"github.com/assaylab/assay"
)

// How much of a path is looked at.
const (
	routeSegments = 4
	longSegment   = 24
)

// Classes of answers beside 1xx to 5xx.
const (
	classFault   = "fault"
	classUnknown = "" // not sampled before the control answered, or never answered
)

// strata count an experiment's requests by method, route and class of the control's answer, while its evidence lasts.
type strata struct {
	mu    sync.Mutex
	all   map[assay.StratumKey]*assay.TrafficStratum
	dirty map[assay.StratumKey]bool // not written down yet
}

// recall goes on from what was kept.
func (s *strata) recall(kept []assay.TrafficStratum) {
	s.all, s.dirty = map[assay.StratumKey]*assay.TrafficStratum{}, map[assay.StratumKey]bool{}
	for _, k := range kept {
		s.all[k.StratumKey] = &k
	}
}

// of finds a stratum that is about to change, or the one of the rest.
func (s *strata) of(k assay.StratumKey) *assay.TrafficStratum {
	found := s.all[k]
	if found == nil && len(s.all) >= assay.MaxStrata {
		k = assay.StratumKey{Route: assay.OtherStratum}
		found = s.all[k]
	}
	if found == nil {
		found = &assay.TrafficStratum{StratumKey: k}
		s.all[k] = found
	}
	s.dirty[k] = true
	return found
}

// changed takes the strata that changed since it was last asked.
func (s *strata) changed() (all []assay.TrafficStratum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.dirty {
		all = append(all, *s.all[k])
	}
	clear(s.dirty)
	return all
}

// unwritten takes strata back that could not be written down.
func (s *strata) unwritten(all []assay.TrafficStratum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range all {
		s.dirty[k.StratumKey] = true
	}
}

// count changes a stratum.
func (s *strata) count(k assay.StratumKey, change func(*assay.TrafficStratum)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.of(k))
}

// wants tells whether a stratum has fewer than so many requests sampled, and counts one more if so.
func (s *strata) wants(k assay.StratumKey, rare int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.of(k)
	found.Requests++
	if found.Sampled >= int64(rare) {
		return false
	}
	found.Sampled++
	found.Rare++
	return true
}

// list returns the strata, in no order.
func (s *strata) list() (all []assay.TrafficStratum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, found := range s.all {
		all = append(all, *found)
	}
	return all
}

// keyOf is the stratum of a request whose answer is not known.
func keyOf(r *assay.Request) assay.StratumKey {
	return assay.StratumKey{Method: r.Method, Route: routeOf(r.Path)}
}

// routeOf folds what varies within a path: "/users/17/posts" is "/users/{}/posts".
func routeOf(path string) string {
	var b strings.Builder
	rest := strings.TrimPrefix(path, "/")
	for i := 0; ; i++ {
		segment, more, found := strings.Cut(rest, "/")
		b.WriteByte('/')
		switch {
		case i == routeSegments:
			b.WriteByte('*')
			return b.String()
		case len(segment) > longSegment || strings.ContainsAny(segment, "0123456789%@="):
			b.WriteString("{}")
		default:
			b.WriteString(segment)
		}
		if !found {
			return b.String()
		}
		rest = more
	}
}

var classes = [...]string{1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

func classOf(status int) string {
	if n := status / 100; n >= 1 && n < len(classes) {
		return classes[n]
	}
	return classFault
}

// Decide implements assay.Deciding. A request that chance did not choose becomes a trial if its stratum is rare,
// beside those that verdicts are made of.
func (t *ticket) Decide(status int) bool {
	if !t.undecided.CompareAndSwap(true, false) {
		return !t.ended.Load()
	}
	t.stratum.Class = classOf(status)
	if t.gen.ledger.strata.wants(t.stratum, t.gen.plan.Experiment.Sample.Rare) {
		t.rare = true
		t.gen.ledger.setApart(1)
		t.lane.chosen(t.gen, "")
		return true
	}
	t.handed.Store(true)
	t.end()
	t.lane.chosen(t.gen, notChosen)
	return false
}

// giveUp ends a ticket that was never decided: its request was not chosen.
func (t *ticket) giveUp() (was bool) {
	if !t.undecided.CompareAndSwap(true, false) {
		return false
	}
	if t.end() {
		t.gen.ledger.strata.count(t.stratum, func(s *assay.TrafficStratum) { s.Requests++ })
		t.lane.chosen(t.gen, notChosen)
	}
	return true
}

// sampled counts the request in its stratum, once: when its answer is known, or when it is given up.
func (t *ticket) sampled(class string) {
	if t.provisional || !t.counted.CompareAndSwap(false, true) {
		return
	}
	t.stratum.Class = class
	t.gen.ledger.strata.count(t.stratum, func(s *assay.TrafficStratum) { s.Requests++; s.Sampled++ })
}

// chosen counts a request whose fate is known.
func (l *Lane) chosen(g *generation, reason string) {
	g.ledger.choose(reason)
	l.floor.keeper.touch(g.ledger)
}

// tried counts trials in their stratum, or less than none when they were not kept. Who brought one has counted it.
func (t *ticket) tried(n int64) {
	if t.brought == nil {
		t.gen.ledger.strata.count(t.stratum, func(s *assay.TrafficStratum) { s.Trials += n })
	}
}
