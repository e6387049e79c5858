package run

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/dispatch"
	"github.com/assaylab/assay/suite/report"
)

// live shows how a run goes: to people who watch, a line that changes and the failures as they come; to all
// others a letter for each test, as runners do.
type live struct {
	out, err io.Writer
	watched  bool // the line is shown
	letters  bool
	stop     chan struct{}
	ended    sync.WaitGroup

	mu     sync.Mutex
	at     dispatch.Progress
	told   time.Time // when at was news
	drawn  time.Time
	column int // of letters
}

// newLive shows a run of so many tests on a process's outputs. Close it before anything else is printed.
func newLive(p *process.Process, planned int) *live {
	l := &live{out: p.Stdout, err: p.Stderr, watched: process.Terminal(p.Stderr), stop: make(chan struct{}), told: time.Now(), at: dispatch.Progress{Planned: planned}}
	l.letters = !l.watched || !process.Terminal(p.Stdout)
	if l.watched {
		l.draw()
		l.ended.Go(l.tick)
	}
	return l
}

const (
	refresh = 100 * time.Millisecond // at most so often for news
	ticking = 500 * time.Millisecond // and without any
)

// tick lets the time left count down while no test ends.
func (l *live) tick() {
	t := time.NewTicker(ticking)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
			l.mu.Lock()
			l.draw()
			l.mu.Unlock()
		}
	}
}

// close takes the line away.
func (l *live) close() {
	close(l.stop)
	l.ended.Wait()
	if l.watched {
		fmt.Fprint(l.err, "\r\x1b[K")
	}
}

// report takes in a test's result.
func (l *live) report(r suite.Result, at dispatch.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at, l.told = at, time.Now()
	if l.letters {
		l.letter(r)
	} else if r.Fails() {
		fmt.Fprintf(l.err, "\r\x1b[K%s\n", report.Line(r))
		l.draw()
	}
	if l.watched && (time.Since(l.drawn) >= refresh || at.Done == at.Planned) {
		l.draw()
	}
}

func (l *live) letter(r suite.Result) {
	fmt.Fprint(l.out, r.Status.Mark())
	if l.column++; l.column == 72 {
		l.column = 0
		fmt.Fprintf(l.out, " [%3d%%]\n", 100*l.at.Done/max(l.at.Planned, 1))
	}
}

// draw draws the line anew.
func (l *live) draw() {
	l.drawn = time.Now()
	left := l.at.Left - time.Since(l.told)
	fmt.Fprintf(l.err, "\r\x1b[K%s", report.Bar(l.at.Done, l.at.Failed, l.at.Planned, l.at.Workers, left, process.Columns(l.err)))
}
