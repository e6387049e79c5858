package lambda

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/assaylab/assay"
)

// Processes are killed at random moments while many call: every caller gets the answer to his own event,
// or hears that his own invocation crashed.
func TestKillsUnderLoad(t *testing.T) {
	for _, tt := range []struct {
		fn     assay.Function
		stream bool
		pause  time.Duration // longer than an init takes
	}{{fn: goFn(t), pause: 2 * time.Millisecond}, {fn: nodeFn(t, "index.echo"), stream: true, pause: 30 * time.Millisecond}} {
		t.Run(tt.fn.Name, func(t *testing.T) {
			l := newLab(t, Options{Concurrency: 4}, tt.fn)
			stop := killer(tt.pause)
			var served, crashed atomic.Int64
			var wg sync.WaitGroup
			for caller := range 8 {
				wg.Go(func() {
					for i := 0; i < 20 || i < 500 && crashed.Load() < 5; i++ {
						id, call := caller*1000+i, Call{Function: tt.fn.Name, ID: uuid.NewString()}
						call.Payload, _ = json.Marshal(m{"ID": id, "Sleep": 2})
						if l.survives(call, id, tt.stream) {
							served.Add(1)
						} else {
							crashed.Add(1)
						}
					}
				})
			}
			wg.Wait()
			kills := stop()
			t.Logf("%d served, %d crashed, %d kills", served.Load(), crashed.Load(), kills)
			if served.Load() == 0 || crashed.Load() == 0 {
				t.Error("no chaos, or nothing else")
			}
			for left := 4; ; left-- { // version 1 of control groups lets what was killed while frozen die when it is thawed
				o := l.call(tt.fn.Name, m{"ID": 7})
				if o.Fault == nil {
					break
				}
				if left == 0 {
					t.Fatalf("afterwards: %+v", o.Fault)
				}
			}
		})
	}
}

// survives calls once, and tells whether the answer came: it must be the caller's own. Otherwise the
// fault must tell of a crash of the caller's own request, or that it came in the middle of the answer.
func (l lab) survives(call Call, id int, stream bool) bool {
	var sink tape
	var r *Result
	var err error
	if stream {
		r, err = l.InvokeStream(l.t.Context(), call, &sink)
	} else {
		r, err = l.Invoke(l.t.Context(), call)
	}
	if err != nil {
		l.t.Error(err)
		return false
	}
	if r.RequestID != call.ID {
		l.t.Errorf("request %s was answered as %s", call.ID, r.RequestID)
	}
	if r.Fault == nil {
		text := append(r.Payload, sink.Bytes()...)
		var got struct{ ID int }
		if err := json.Unmarshal(text, &got); err != nil || got.ID != id {
			l.t.Errorf("caller %d got %s", id, text)
		}
		return true
	}
	truncated := r.Fault.Type == "Runtime.TruncatedResponse"
	if !truncated && (r.Fault.Kind != assay.FaultCrash || !strings.Contains(r.Fault.Message, call.ID) || !strings.HasSuffix(r.Fault.Message, "signal: killed")) {
		l.t.Errorf("caller %d: status %d, fault %+v", id, r.Status, r.Fault)
	}
	return false
}

// killer kills a runtime every now and then, until it is stopped.
func killer(pause time.Duration) (stop func() (kills int)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int)
	random := rand.New(rand.NewPCG(1, 2))
	go func() {
		kills := 0
		for ctx.Err() == nil {
			if pids := runtimes(); len(pids) > 0 {
				kills++
				unix.Kill(pids[random.IntN(len(pids))], unix.SIGKILL)
			}
			select {
			case <-time.After(pause + time.Duration(random.Int64N(int64(10*pause)))):
			case <-ctx.Done():
			}
		}
		done <- kills
	}()
	return func() int { cancel(); return <-done }
}

// runtimes lists the runtimes' processes, by what they run.
func runtimes() (pids []int) {
	for _, child := range children() {
		name, _ := os.ReadFile("/proc/" + child + "/comm")
		switch strings.TrimSpace(string(name)) {
		case "bootstrap", "node", "MainThread":
			pid, _ := strconv.Atoi(child)
			pids = append(pids, pid)
		}
	}
	return pids
}

// Environments are killed in each phase of their life.
func TestKillsInEachPhase(t *testing.T) {
	for _, tt := range []struct {
		name, handler string
		env           map[string]string
		event         any
		fault         string // of the first call
		body          string
	}{
		{name: "once in init", handler: "dies_once.handler", env: map[string]string{"MARK": "/tmp/mark"}, body: `"alive"`},
		{name: "in every init", handler: "dies_once.handler", env: map[string]string{"MARK": "/nonesuch/mark"}, fault: "Runtime.ExitError", body: "…signal: killed…"},
		{name: "in an invocation", handler: "app.handler", event: m{"do": "kill"}, fault: "Runtime.ExitError", body: "…signal: killed…"},
		{name: "between answer and next", handler: "app.answer_and_die", body: `"first"`},
		{name: "in the middle of an answer", handler: "app.half_an_answer", fault: "Sandbox.Timedout", body: "…timed out after 2.00 seconds…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fn := pythonFn(t, tt.handler)
			fn.Timeout, fn.Environment = 2*time.Second, tt.env
			l := newLab(t, Options{}, fn)
			o := l.call("python", tt.event)
			fault := ""
			if o.Fault != nil {
				fault = o.Fault.Type
			}
			if fault != tt.fault || !like(string(o.Body), tt.body) {
				t.Errorf("body %s, fault %+v", o.Body, o.Fault)
			}
			if tt.handler != "app.handler" {
				return
			}
			if o := l.call("python", m{"do": "text"}); o.Fault != nil {
				t.Errorf("afterwards: %+v", o.Fault)
			}
		})
	}
}

// What one function does to the Runtime API harms neither its own answer nor another function.
func TestHostileClients(t *testing.T) {
	l := newLab(t, Options{}, pythonFn(t, "app.hostile"), goFn(t))
	other := make(chan bool)
	go func() {
		ok := true
		for i := range 20 {
			o := l.call("go", m{"ID": i})
			ok = ok && o.Fault == nil && fields(t, o)["id"] == float64(i)
		}
		other <- ok
	}()
	for i := range 2 {
		o := l.call("python", m{"ID": i})
		if o.Fault != nil {
			t.Fatalf("fault %+v, log %s", o.Fault, o.Log)
		}
		got := fields(t, o)
		for what, want := range map[string]any{
			"id": float64(i), "garbage": "…", "huge headers": "…", "another's id": "HTTP/1.1 400 Bad Request",
			"half of another's": "HTTP/1.1 400 Bad Request", "chunks that are none": "HTTP/1.1 400 Bad Request",
		} {
			if want != "…" && got[what] != want {
				t.Errorf("%s: %v", what, got[what])
			}
		}
	}
	if !<-other {
		t.Error("another function suffered")
	}
}
