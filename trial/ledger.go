package trial

import (
	"maps"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

// ledger counts what becomes of an experiment's offers while its evidence lasts.
type ledger struct {
	since  int
	strata strata // of the same requests

	mu     sync.Mutex
	l      assay.Ledger
	taken  int64     // sampled and not dropped: kept, or will be
	others int64     // likewise, of other sources, when last looked
	apart  int64     // of all these, rare trials, which no verdict is made of
	doubts int64     // sampled, and handed over perhaps
	first  time.Time // of the first trial
}

// newLedger goes on from what the store has counted of an experiment, and of the source in it.
func newLedger(c assay.Counts, own assay.Ledger) *ledger {
	l := &ledger{since: own.Since, l: own, taken: taken(own), apart: c.RareTrials(), first: c.First}
	l.others = taken(c.Ledger) - l.taken
	l.strata.recall(c.StrataOf(own.Source))
	l.l.NotSampled, l.l.Dropped = orEmpty(own.NotSampled), orEmpty(own.Dropped)
	return l
}

func taken(l assay.Ledger) int64 { return l.Unsettled() + l.Handed }

func orEmpty(m map[string]int64) map[string]int64 {
	if m == nil {
		return map[string]int64{}
	}
	return maps.Clone(m)
}

// choose counts a request, and whether it was sampled: reason "" if it was.
func (l *ledger) choose(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.l.Requests++
	l.l.Offered++
	if reason != "" {
		l.l.NotSampled[reason]++
		return
	}
	l.l.Sampled++
	l.taken++
}

// setApart counts rare trials that were taken, or less than none when they were dropped.
func (l *ledger) setApart(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apart += n
}

func (l *ledger) drop(reason string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.l.Dropped[reason] += n
	l.taken -= n
}

// hand counts trials that no crash can lose any more.
func (l *ledger) hand(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.l.Handed += n
}

// doubt notes trials that may have been handed over: the next start finds out.
func (l *ledger) doubt(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubts += n
}

// inFlight is the number of trials neither handed over, in doubt, nor dropped.
func (l *ledger) inFlight() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.l.Unsettled() - l.doubts
}

// look learns what other sources have taken by now.
func (l *ledger) look(c assay.Counts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.others = taken(c.Ledger) - taken(c.Of(l.l.Source))
	l.apart = max(l.apart, c.RareTrials())
	if l.first.IsZero() {
		l.first = c.First
	}
}

// begin notes when the first trial was made.
func (l *ledger) begin(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first.IsZero() {
		l.first = t
	}
}

// done tells whether the experiment has all the trials, or the time, it was given. Rare trials are beside those.
func (l *ledger) done(u assay.Until, now time.Time) bool {
	if u == (assay.Until{}) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return u.Trials > 0 && l.taken+l.others-l.apart >= u.Trials ||
		u.For > 0 && !l.first.IsZero() && now.Sub(l.first) >= u.For
}

func (l *ledger) snapshot() assay.Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.l
	s.NotSampled, s.Dropped = maps.Clone(s.NotSampled), maps.Clone(s.Dropped)
	return s
}

// parts is what was counted of the parts of the traffic.
func (l *ledger) parts(of []assay.TrafficStratum) assay.Strata {
	l.mu.Lock()
	defer l.mu.Unlock()
	return assay.Strata{Experiment: l.l.Experiment, Since: l.l.Since, Source: l.l.Source, Parts: of}
}
