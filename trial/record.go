package trial

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/assaylab/assay"
)

// tapSize is how many trials wait for whoever records them before more are missed.
const tapSize = 1024

// Recording is a copy of an experiment's requests and the control's answers, as they become trials, with
// bodies and without secrets. Whoever made it closes it.
type Recording struct {
	// Trials come without candidates. The channel is closed when the experiment ends.
	Trials <-chan *assay.Trial

	lane   *Lane
	trials chan *assay.Trial
	missed atomic.Int64
}

// Missed counts the trials for which there was no room: the reader is slower than the traffic.
func (r *Recording) Missed() int64 { return r.missed.Load() }

// Close ends the recording.
func (r *Recording) Close() { r.lane.taps.remove(r) }

// Record begins to record an experiment; false if it has no lane.
func (f *Floor) Record(name string) (*Recording, bool) {
	f.mu.Lock()
	l := f.lanes[name]
	f.mu.Unlock()
	if l == nil {
		return nil, false
	}
	r := &Recording{lane: l, trials: make(chan *assay.Trial, tapSize)}
	r.Trials = r.trials
	l.taps.add(r)
	return r, true
}

// taps are the recordings of one lane under way.
type taps struct {
	mu    sync.Mutex
	all   []*Recording
	ended bool
}

func (t *taps) add(r *Recording) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		close(r.trials)
		return
	}
	t.all = append(t.all, r)
}

func (t *taps) remove(r *Recording) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = slices.DeleteFunc(t.all, func(o *Recording) bool { return o == r })
}

func (t *taps) any() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all) > 0
}

// give hands a redacted trial to every recording that has room for it.
func (t *taps) give(made *assay.Trial) {
	copied := *made
	copied.Secondary, copied.Candidates = nil, nil
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.all {
		select {
		case r.trials <- &copied:
		default:
			r.missed.Add(1)
		}
	}
}

// end closes the recordings: the experiment has.
func (t *taps) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.all {
		close(r.trials)
	}
	t.all, t.ended = nil, true
}
