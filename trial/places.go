package trial

import (
	"slices"
	"sync"
)

// places are the calls that all lanes together may make at once. Lanes that found none wait for their turn.
// Its lock is taken within a lane's, never around it.
type places struct {
	mu      sync.Mutex
	most    int
	taken   int
	waiting []*Lane // each once
}

// use is how many places are taken, of how many.
func (p *places) use() (taken, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken, p.most
}

// take gives a lane a place, or puts it among those that wait.
func (p *places) take(l *Lane) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken < p.most {
		p.taken++
		return true
	}
	p.line(l)
	return false
}

func (p *places) wait(l *Lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line(l)
}

func (p *places) line(l *Lane) {
	if !slices.Contains(p.waiting, l) {
		p.waiting = append(p.waiting, l)
	}
}

// give returns a place, unless a lane waits for it.
func (p *places) give() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		return false
	}
	p.taken--
	return true
}

// turn takes the lane that has waited longest; nil if none waits.
func (p *places) turn() *Lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		return nil
	}
	l := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	return l
}

// next finds a worker of a lane its next task: of a lane that waits for a place, or else of its own. Without one
// the worker has given its place back, and ends.
func (p *places) next(l *Lane) (*Lane, *task) {
	for {
		if other := p.turn(); other != nil {
			t := other.enter()
			if t == nil {
				continue
			}
			if l != nil {
				l.leave()
			}
			return other, t
		}
		if l != nil {
			if t := l.next(); t != nil {
				return l, t
			}
			l = nil
		}
		if p.give() {
			return nil, nil
		}
	}
}

// worker does tasks, of its lane first, until there are none.
func (f *Floor) worker(l *Lane, t *task) {
	defer f.work.Done()
	for t != nil {
		l.try(t)
		l, t = f.places.next(l)
	}
}
