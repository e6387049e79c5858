package storetest

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// RunOwnLimits checks that a store keeps of each experiment what its definition says, by the time that now tells.
// Each call of open returns an empty store, which open closes at the end of the test.
func RunOwnLimits[S interface {
	assay.Store
	assay.Definitions
}](t *testing.T, open func(t *testing.T, now func() time.Time) S) {
	t.Run("no older than its own limit", func(t *testing.T) {
		c := &clock{}
		ownAge(t, open(t, c.read), c)
	})
	t.Run("no more than its own limit", func(t *testing.T) {
		c := &clock{}
		ownSize(t, open(t, c.read), c)
	})
}

const minutes, perMinute = 16, 4

// limited are trials of two experiments, so many in each of some minutes, with bodies of so many bytes that cannot be
// packed. The first is limited.
func limited(t *testing.T, s assay.Store, c *clock, body int) (trials []assay.Trial) {
	t.Helper()
	trials = Trials(31, 2*minutes*perMinute)
	for i := range trials {
		trial := &trials[i]
		trial.Experiment = []string{Experiment, "another"}[i%2]
		trial.Time = start.Add(time.Duration(i/2/perMinute) * time.Minute)
		trial.Control.Body = make([]byte, body)
		rand.Read(trial.Control.Body)
	}
	last := trials[len(trials)-1].Time
	for i := 0; i < len(trials); i += 2 * perMinute {
		c.set(trials[i].Time)
		keep(t, s, trials[i:i+2*perMinute]...)
	}
	for range 3 { // steps
		c.set(c.read().Add(2 * time.Minute))
		keep(t, s, Trials(32, 1)[0:0]...)
	}
	c.set(last)
	return trials
}

// left is the first minute from which on all trials of an experiment are there; none of before may be.
func left(t *testing.T, s assay.Store, trials []assay.Trial, experiment string) (first int) {
	t.Helper()
	found := map[int]int{}
	for i := range trials {
		if trials[i].Experiment != experiment {
			continue
		}
		if got, err := s.Trial(t.Context(), trials[i].ID); err == nil && len(got.Control.Body) == len(trials[i].Control.Body) {
			found[i/2/perMinute]++
		} else if err != nil {
			wantCode(t, err, assay.CodeNotFound)
		}
	}
	first = minutes - len(found)
	for m := first; m < minutes; m++ {
		if found[m] != perMinute {
			t.Errorf("of minute %d %d trials are there, of %d: %v", m, found[m], perMinute, found)
		}
	}
	var listed int
	for cursor := ""; ; {
		page, err := s.Trials(t.Context(), assay.Query{Experiment: experiment, Limit: 500, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		listed += len(page.Trials)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if listed != len(found)*perMinute {
		t.Errorf("%d trials are listed, and %d found", listed, len(found)*perMinute)
	}
	return first
}

func saveLimited(t *testing.T, d assay.Definitions, k assay.Keep) {
	t.Helper()
	for _, e := range []assay.Experiment{
		{Name: Experiment, Version: 1, Keep: assay.Keep{Size: 1 << 20}}, {Name: Experiment, Version: 2, Keep: k}, {Name: "another", Version: 1},
	} {
		if err := d.Save(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func ownAge(t *testing.T, s interface {
	assay.Store
	assay.Definitions
}, c *clock) {
	saveLimited(t, s, assay.Keep{For: 10 * time.Minute})
	trials := limited(t, s, c, 100)
	// The clock went six minutes beyond the last trial, so those of the last five minutes are young enough.
	if first := left(t, s, trials, Experiment); first != minutes-5 {
		t.Errorf("the oldest minute that is there is %d, want %d", first, minutes-5)
	}
	othersStay(t, s, trials)
}

func ownSize(t *testing.T, s interface {
	assay.Store
	assay.Definitions
}, c *clock) {
	const body = 100_000
	saveLimited(t, s, assay.Keep{Size: 6*perMinute*body + perMinute*body/2})
	trials := limited(t, s, c, body)
	// What else a trial takes is less than a twentieth of its body.
	if first := left(t, s, trials, Experiment); first != minutes-6 {
		t.Errorf("the oldest minute that is there is %d, want %d", first, minutes-6)
	}
	othersStay(t, s, trials)
}

// othersStay checks what limits of one experiment must leave: the other's trials, counts, and that what went does not
// count again.
func othersStay(t *testing.T, s assay.Store, trials []assay.Trial) {
	t.Helper()
	if first := left(t, s, trials, "another"); first != 0 {
		t.Errorf("trials of another experiment went up to minute %d", first)
	}
	keep(t, s, trials[:2*perMinute]...)
	for _, name := range []string{Experiment, "another"} {
		if n := counts(t, s, name, 1).Trials; n != minutes*perMinute {
			t.Errorf("%s: %d trials are counted of %d", name, n, minutes*perMinute)
		}
	}
}
