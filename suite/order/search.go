package order

import "slices"

// together is how many tests are searched for at once.
const together = 8

// pursue carries searches to their ends. Tests that one search has found are tried first in those that come
// after: one test often spoils many.
func pursue(searches []*search, run Runner) (findings []Finding, err error) {
	var known []int
	for group := range slices.Chunk(searches, together) {
		for _, s := range group {
			s.tries = slices.DeleteFunc(slices.Clone(known), func(t int) bool { return t == s.test })
		}
		for active := group; len(active) > 0; {
			if err := round(active, run); err != nil {
				return findings, err
			}
			active = slices.DeleteFunc(slices.Clone(active), func(s *search) bool { return s.phase == over })
		}
		for _, s := range group {
			findings = append(findings, s.finding())
			if len(s.before) == 1 && !slices.Contains(known, s.before[0]) && !s.flaky {
				known = append(known, s.before[0])
			}
		}
	}
	return findings, nil
}

// round runs what all searches ask for next.
func round(active []*search, run Runner) error {
	var all []Sequence
	for _, s := range active {
		all = append(all, s.asks()...)
	}
	outcomes, err := run(all)
	if err != nil {
		return err
	}
	for _, s := range active {
		n := len(s.asks())
		s.hear(outcomes[:n])
		outcomes = outcomes[n:]
	}
	return nil
}

// phase is how far a search is.
type phase int

const (
	confirm phase = iota // that it happens again at all
	narrow
	verify // that the least set does it, and the test alone does not
	over
)

// search finds the least set of tests after which a test ends as wanted: by halves, and where no half does
// it by smaller parts and what they leave, which is delta debugging (Zeller, Hildebrandt, 2002).
type search struct {
	test   int
	want   Outcome
	before Sequence // after these it ends so
	tries  []int    // tests that did it to others
	parts  int      // that before is cut into
	phase  phase
	flaky  bool
}

// asks are the sequences that a search wants to be run next.
func (s *search) asks() (all []Sequence) {
	switch s.phase {
	case confirm:
		all = append(all, s.after(s.before))
		for _, t := range s.tries {
			all = append(all, s.after(Sequence{t}))
		}
	case narrow:
		for _, some := range s.subsets() {
			all = append(all, s.after(some))
		}
	case verify:
		all = []Sequence{s.after(s.before), {s.test}}
	}
	return all
}

func (s *search) after(before Sequence) Sequence { return append(slices.Clone(before), s.test) }

// subsets are the parts, and unless there are just two what each of them leaves.
func (s *search) subsets() (all []Sequence) {
	parts := Deal(s.before, s.parts)
	for _, part := range parts {
		all = append(all, part)
	}
	if len(parts) == 2 {
		return all
	}
	for skip := range parts {
		all = append(all, slices.Concat(slices.Delete(slices.Clone(parts), skip, skip+1)...))
	}
	return all
}

// hear takes in how the sequences that were asked for ended.
func (s *search) hear(outcomes [][]Outcome) {
	hit := slices.IndexFunc(outcomes, func(o []Outcome) bool { return o[len(o)-1] == s.want })
	switch s.phase {
	case confirm:
		s.confirmed(outcomes, hit)
	case narrow:
		s.narrowed(hit)
	case verify:
		s.flaky = outcomes[0][len(outcomes[0])-1] != s.want || outcomes[1][0] == s.want
		s.phase = over
	}
	if s.phase == narrow && len(s.before) == 1 {
		s.phase = verify
	}
}

func (s *search) confirmed(outcomes [][]Outcome, hit int) {
	if hit < 0 {
		s.flaky, s.phase = true, over
		return
	}
	for i, t := range s.tries {
		if o := outcomes[i+1]; o[len(o)-1] == s.want {
			s.before = Sequence{t}
		}
	}
	s.phase = narrow
}

func (s *search) narrowed(hit int) {
	parts := min(s.parts, len(s.before))
	switch {
	case hit >= parts: // a part is not needed
		s.before, s.parts = s.subsets()[hit], max(parts-1, 2)
	case hit >= 0:
		s.before, s.parts = s.subsets()[hit], 2
	case parts == len(s.before): // each is needed
		s.phase = verify
	default:
		s.parts = min(2*parts, len(s.before))
	}
}

func (s *search) finding() Finding {
	f := Finding{Test: s.test, Kind: Victim, Others: s.before}
	if s.want == Good {
		f.Kind = Brittle
	}
	if s.flaky {
		f.Kind, f.Others = Flaky, nil
	}
	return f
}
