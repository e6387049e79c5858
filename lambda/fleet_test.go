package lambda

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"pgregory.net/rapid"
)

// model drives a fleet whose environments run nothing: the test says what each does next.
type model struct {
	t *rapid.T
	*fleet
	functions []*function // those that were ever made; some are gone

	starting []*environment // launched; has what it was launched for in first
	first    map[*environment]*exchange
	busy     map[*environment]*exchange
	answered map[*environment]bool // of the busy: the exchange has its answer

	open   []*exchange // without an answer, as far as their callers know
	number int         // of versions
}

func newModel(t *rapid.T) *model {
	m := &model{t: t, first: map[*environment]*exchange{}, busy: map[*environment]*exchange{}, answered: map[*environment]bool{}}
	m.fleet = &fleet{
		limits:    limits{environments: rapid.IntRange(1, 6).Draw(t, "environments"), memoryMB: 1024, perFunction: 4, queue: 5},
		functions: map[string]*function{}, environments: map[*environment]bool{},
		create: func(p *pool) *environment {
			m.number++
			return &environment{stream: fmt.Sprintf("%06d", m.number), function: p.function, pool: p, version: p.current, calls: make(chan *exchange, 1), retired: make(chan struct{})}
		},
		launch: func(v *environment, x *exchange) {
			m.starting = append(m.starting, v)
			m.first[v] = x
		},
	}
	for i := range 2 {
		f := &function{name: fmt.Sprint("f", i), log: &ring{}, reserved: -1, pools: map[string]*pool{}}
		m.fleet.functions[f.name] = f
		m.functions = append(m.functions, f)
		for _, number := range []string{latest, "1"} {
			f.pools[number] = &pool{function: f, current: m.version(number, 128<<i)}
		}
	}
	return m
}

func (m *model) version(number string, memory int) *version {
	m.number++
	return &version{Function: assay.Function{MemoryMB: memory}, number: number, print: fmt.Sprint(m.number)}
}

func (m *model) pool() *pool {
	var all []*pool
	for _, f := range m.functions {
		for _, number := range []string{latest, "1"} {
			all = append(all, f.pools[number])
		}
	}
	return rapid.SampledFrom(all).Draw(m.t, "pool")
}

func pick[T any](m *model, list []T, what string) T {
	if len(list) == 0 {
		m.t.Skip("no " + what)
	}
	return rapid.SampledFrom(list).Draw(m.t, what)
}

// all lists the environments in the order of their start.
func (m *model) all() []*environment {
	list := slices.Collect(maps.Keys(m.environments))
	slices.SortFunc(list, func(a, b *environment) int { return strings.Compare(a.stream, b.stream) })
	return list
}

// serving lists those that are busy and have answered, or have not.
func (m *model) serving(answered bool) []*environment {
	return slices.DeleteFunc(m.all(), func(v *environment) bool { return m.busy[v] == nil || m.answered[v] != answered })
}

func (m *model) call(*rapid.T) {
	p := m.pool()
	x := newExchange(context.Background(), Call{})
	m.mu.Lock()
	hurry := m.submit(p, x)
	m.mu.Unlock()
	m.open = append(m.open, x)
	if hurry != nil && rapid.Bool().Draw(m.t, "insist") {
		m.insist(p, x)
	}
}

func (m *model) hangUp(*rapid.T) {
	p := m.pool()
	x := pick(m, p.waiting, "caller that waits")
	if !m.forget(p, x) {
		m.t.Fatal("an exchange that waits cannot be forgotten")
	}
	m.open = slices.DeleteFunc(m.open, func(o *exchange) bool { return o == x })
}

// boot ends an init, well or not.
func (m *model) boot(*rapid.T) {
	v := pick(m, m.starting, "init")
	m.starting = slices.DeleteFunc(m.starting, func(o *environment) bool { return o == v })
	x, ok := m.first[v], rapid.IntRange(0, 4).Draw(m.t, "boots") > 0
	if x == nil {
		m.ready(v, ok)
	}
	switch {
	case !ok:
		if x != nil {
			x.answer(failed(assay.FaultCrash, "Runtime.ExitError", ""))
		}
		m.ended(v)
	case x != nil:
		m.busy[v] = x
	default:
		m.next(v)
	}
}

func (m *model) reply(*rapid.T) {
	v := pick(m, m.serving(false), "busy environment")
	m.settle(v)
	if !m.busy[v].answer(answer{status: 200}) {
		m.t.Fatal("an exchange has two answers")
	}
	m.answered[v] = true
}

// finish lets an environment ask for more.
func (m *model) finish(*rapid.T) {
	v := pick(m, m.serving(true), "environment that has answered")
	delete(m.busy, v)
	delete(m.answered, v)
	m.next(v)
}

func (m *model) next(v *environment) {
	x, stay := m.free(v)
	switch {
	case x != nil:
		m.busy[v] = x
	case !stay:
		m.ended(v)
	}
}

// receive lets idle environments see what the pools have given them.
func (m *model) receive() {
	for seen := true; seen; {
		seen = false
		for _, v := range m.all() {
			if m.busy[v] == nil && m.receives(v) {
				seen = true
			}
		}
	}
}

func (m *model) receives(v *environment) bool {
	select {
	case x := <-v.calls:
		m.busy[v] = x
	case <-v.retired:
		m.ended(v)
	default:
		return false
	}
	return true
}

// crash ends an environment at any moment, also one that was just given an exchange.
func (m *model) crash(*rapid.T) {
	list := slices.DeleteFunc(m.all(), func(v *environment) bool { return slices.Contains(m.starting, v) })
	v := pick(m, list, "environment")
	if x := m.busy[v]; x != nil {
		x.answer(failed(assay.FaultCrash, "Runtime.ExitError", ""))
		delete(m.busy, v)
		delete(m.answered, v)
	}
	m.ended(v)
}

func (m *model) expire(*rapid.T) {
	for _, v := range m.all() {
		if m.busy[v] == nil && !slices.Contains(m.starting, v) && len(v.calls) == 0 {
			if m.leave(v) {
				m.ended(v)
			}
			return
		}
	}
	m.t.Skip("nothing is idle")
}

// change brings new code or other numbers into force.
func (m *model) change(*rapid.T) {
	p := m.pool()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch rapid.IntRange(0, 3).Draw(m.t, "change") {
	case 0:
		p.current = m.version(p.current.number, p.current.MemoryMB)
		p.retireIdle(0)
		p.failed = ""
	case 1:
		p.function.reserved = rapid.IntRange(-1, 3).Draw(m.t, "reserved")
		if p.function.reserved == 0 {
			for _, p := range p.function.pools {
				m.dismiss(p, throttled(reasonReserved))
			}
		}
	case 2:
		p.provisioned = rapid.IntRange(0, 2).Draw(m.t, "provisioned")
		p.failed = ""
	case 3:
		delete(p.function.pools, p.current.number)
		p.retireIdle(0)
		m.dismiss(p, removed(p.function.name))
		p.function.pools[p.current.number] = &pool{function: p.function, current: m.version(p.current.number, 256)}
	}
	m.refill()
}

// check is what holds whenever the lock is free.
func (m *model) check(t *rapid.T) {
	m.receive()
	live, memory, waiting := 0, 0, 0
	for v := range m.environments {
		if !v.discounted {
			live++
			memory += v.memoryMB
		}
	}
	if live != m.live || live > m.limits.environments || memory != m.memoryMB || memory > m.limits.memoryMB && live > 1 {
		t.Fatalf("%d live environments with %d MB; counted %d with %d", live, memory, m.live, m.memoryMB)
	}
	for _, f := range m.functions {
		executing := 0
		for _, p := range f.pools {
			waiting += len(p.waiting)
			m.checkPool(t, p)
			executing += p.live - len(p.idle) - p.starting
		}
		if executing != f.executing() {
			t.Fatalf("%s executes %d, counted %d", f.name, executing, f.executing())
		}
	}
	if waiting != m.queued {
		t.Fatalf("%d wait, counted %d", waiting, m.queued)
	}
	m.checkExchanges(t)
}

func (m *model) checkPool(t *rapid.T, p *pool) {
	live, settling := 0, 0
	for v := range m.environments {
		if v.pool == p && !v.discounted {
			live++
		}
		if v.pool == p && v.settling {
			settling++
		}
	}
	if live != p.live || settling != p.settling || len(p.idle) > p.live || p.starting < 0 {
		t.Fatalf("pool has %d live and %d settling; counted %d and %d, %d idle, %d starting", live, settling, p.live, p.settling, len(p.idle), p.starting)
	}
	if len(p.waiting) > 0 && len(p.idle) > 0 && p.function.mayExecute() {
		t.Fatalf("%d wait beside %d idle environments", len(p.waiting), len(p.idle))
	}
	if len(p.waiting) > 0 && p.live == 0 && m.live == 0 && p.function.reserved != 0 {
		t.Fatalf("%d wait though nothing runs", len(p.waiting))
	}
}

// checkExchanges looks where every exchange is: it is lost if it is nowhere.
func (m *model) checkExchanges(t *rapid.T) {
	m.open = slices.DeleteFunc(m.open, func(x *exchange) bool { return len(x.answers) > 0 })
	for _, x := range m.open {
		places := 0
		for _, f := range m.functions {
			for _, p := range f.pools {
				if slices.Contains(p.waiting, x) {
					places++
				}
			}
		}
		for _, v := range m.starting {
			if m.first[v] == x {
				places++
			}
		}
		for _, served := range m.busy {
			if served == x {
				places++
			}
		}
		if places != 1 {
			t.Fatalf("an exchange without an answer is in %d places", places)
		}
	}
}

// TestFleetKeepsItsRules does at random what callers, environments and the control plane do, and checks
// after each step what must always hold.
func TestFleetKeepsItsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		step := func(do func(*rapid.T)) func(*rapid.T) {
			return func(t *rapid.T) { m.t = t; do(t) }
		}
		t.Repeat(map[string]func(*rapid.T){
			"call": step(m.call), "call again": step(m.call), "hang up": step(m.hangUp), "boot": step(m.boot), "boot again": step(m.boot),
			"reply": step(m.reply), "finish": step(m.finish), "crash": step(m.crash), "expire": step(m.expire), "change": step(m.change),
			"": m.check,
		})
		m.drain(t)
	})
}

// drain lets everything under way end, and checks that nobody is left without an answer.
func (m *model) drain(t *rapid.T) {
	for _, f := range m.functions {
		f.reserved = -1
	}
	for range 1000 {
		m.receive()
		for _, v := range slices.Clone(m.starting) {
			m.starting = slices.DeleteFunc(m.starting, func(o *environment) bool { return o == v })
			if x := m.first[v]; x != nil {
				m.busy[v] = x
				continue
			}
			m.ready(v, true)
			m.next(v)
		}
		for _, v := range append(m.serving(false), m.serving(true)...) {
			x := m.busy[v]
			x.answer(answer{status: 200})
			delete(m.busy, v)
			delete(m.answered, v)
			m.next(v)
		}
		m.receive()
		m.checkExchanges(t)
		if len(m.open) == 0 {
			return
		}
		m.mu.Lock()
		m.refill()
		m.mu.Unlock()
	}
	t.Fatalf("%d callers wait for ever", len(m.open))
}
