package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay/store/sqlite"
)

// soakRequests is how many requests a soak makes; `make soak` makes 100,000.
func soakRequests(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("ASSAY_SOAK")
	if text == "" {
		return 8_000
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("ASSAY_SOAK: %v", err)
	}
	return n
}

// soak is a laboratory whose candidates fail in every way, whose experiments change all the time, and whose
// clients leave at random.
type soak struct {
	t       *testing.T
	lab     *lab
	control string
	pool    []exchanged
	yaml    func(name string, r *rand.Rand) string

	begun, answered atomic.Int64 // requests
	left            atomic.Int64 // requests whose client went away
}

// exchanged is a request with the control's own answer.
type exchanged struct {
	request
	direct answer
}

// TestSoak: whatever candidates, definitions and clients do, each client that waits gets the control's answer,
// every request is counted once, and nothing is left behind. Under the race detector the laboratory is, too.
func TestSoak(t *testing.T) {
	needs(t, "python3")
	dir, want := t.TempDir(), soakRequests(t)
	control := httptest.NewServer(production())
	t.Cleanup(control.Close)
	wild := misbehave(t, 11)
	write(t, dir+"/f/main.py", "import os\ndef handler(e, c):\n    if len(e['rawQueryString']) % 3 == 0: os._exit(1)\n    raise ValueError('broken')\n")
	file := write(t, dir+"/assay.yaml", "functions:\n  broken: {runtime: python3, handler: main.handler, code: f, concurrency: 1}\n")
	s := &soak{t: t, control: control.URL, lab: startLab(t, dir+"/data", "-f", file, "--watch=false")}
	s.yaml = func(name string, r *rand.Rand) string { return soakDefinition(name, control.URL, wild, r) }
	s.put("base", rand.New(rand.NewPCG(1, 1)))
	s.fill()
	s.run(want / 10) // what is made once is made by now
	before := s.idle()
	began := time.Now()
	s.run(want)
	took := time.Since(began)
	after := s.idle()
	t.Logf("%d requests in %s, %d clients left; before %+v, after %+v", want, took.Round(time.Millisecond), s.left.Load(), before, after)
	if after.goroutines > before.goroutines+10 || after.files > before.files+10 {
		t.Errorf("left behind: before %+v, after %+v", before, after)
	}
	if after.resident > before.resident+96<<20 {
		t.Errorf("memory grows: before %+v, after %+v", before, after)
	}
	s.lab.stop() // a data race is an exit code
	if log := s.lab.logged(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") || strings.Contains(log, "DATA RACE") {
		t.Errorf("the log: %s", log)
	}
	s.audit(dir + "/data/assay.db")
}

// soakDefinition is one of many definitions of an experiment. The narrow one takes requests from the base.
func soakDefinition(name, control, wild string, r *rand.Rand) string {
	path, more, sample := "api/*", "", 1
	if name == "narrow" {
		path, more, sample = "api/json", "\n      broken: {function: broken}", 4
	}
	return fmt.Sprintf(`
experiments:
  %s:
    path: %s
    unsafe: true
    sample: %d%%
    secondary: %d%%
    budget: {concurrency: %d, queue: %d, memory: 8MB, timeout: 250ms, body: 256KB}
    control: {url: %q}
    candidates:
      wild: {url: %q}%s
    comparators: [statuscode: , body: {as: %s}]
`, name, path, (1+r.IntN(25))*sample, r.IntN(50), 1+r.IntN(16), 1+r.IntN(200), control, wild, more, []string{"json", "text"}[r.IntN(2)])
}

// fill asks the control for its answers to a mix of requests.
func (s *soak) fill() {
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		q := mix(r)
		s.pool = append(s.pool, exchanged{q, mustSend(s.t, s.control, q)})
	}
}

// run makes requests from many clients while the definitions change.
func (s *soak) run(requests int64) {
	end, over := s.begun.Load()+requests, make(chan struct{})
	var clients, changing sync.WaitGroup
	changing.Go(func() { s.change(over) })
	for i := range 8 {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(i)))
			for s.begun.Add(1) <= end && !s.t.Failed() {
				if r.IntN(25) == 0 {
					s.leave(r)
				} else {
					s.ask(r)
				}
			}
			s.begun.Add(-1)
		})
	}
	clients.Wait()
	close(over)
	changing.Wait()
}

func (s *soak) ask(r *rand.Rand) {
	q := s.pool[r.IntN(len(s.pool))]
	got, err := send(context.Background(), q.method, s.lab.gateway+q.path, q.header, q.body)
	if err != nil {
		s.t.Errorf("%s %s: %v", q.method, q.path, err)
		return
	}
	s.answered.Add(1)
	direct := q.direct
	direct.header = direct.header.Clone()
	sameAnswer(s.t, "wild", q.request, direct, got)
}

// leave begins a request and goes away: before its head is whole, within its body, or before its answer.
func (s *soak) leave(r *rand.Rand) {
	s.left.Add(1)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.lab.gateway, "http://"))
	if err != nil {
		s.t.Error(err)
		return
	}
	defer conn.Close()
	text := "POST /api/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 5000)
	io.WriteString(conn, text[:1+r.IntN(len(text))])
	if r.IntN(2) == 0 {
		conn.(*net.TCPConn).SetLinger(0)
	}
}

// change changes the definitions at random until over.
func (s *soak) change(over <-chan struct{}) {
	r := rand.New(rand.NewPCG(7, 7))
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(r.IntN(60)) * time.Millisecond):
		}
		name := []string{"base", "narrow"}[r.IntN(2)]
		switch r.IntN(6) {
		case 0, 1:
			s.put(name, r)
		case 2:
			s.tell("PATCH", name, fmt.Sprintf(`{"sample": "%d%%"}`, r.IntN(30)))
		case 3:
			s.tell("PATCH", name, `{"state": "paused"}`)
		case 4:
			s.tell("PATCH", name, `{"state": "running"}`)
		case 5:
			s.tell("DELETE", "narrow", "")
		}
	}
}

func (s *soak) put(name string, r *rand.Rand) {
	s.t.Helper()
	if status := s.tell("POST", "", s.yaml(name, r)); status != http.StatusOK {
		s.t.Errorf("the definition of %s is answered with %d", name, status)
	}
}

// tell changes an experiment, or applies a document if none is named. What is not there cannot be changed.
func (s *soak) tell(method, name, body string) int {
	path := "/api/v1/experiments/" + name
	if name == "" {
		path = "/api/v1/apply"
	}
	got, err := send(context.Background(), method, "http://"+s.lab.console+path, nil, []byte(body))
	if err != nil || got.status >= 500 || got.status >= 400 && got.status != http.StatusNotFound {
		s.t.Errorf("%s %s: %v %d %s", method, path, err, got.status, got.body)
	}
	return got.status
}

// holdings is what a process holds.
type holdings struct{ goroutines, files, resident int }

// idle brings the same definitions into force, waits until the laboratory has nothing to do, and tells what it
// holds then.
func (s *soak) idle() holdings {
	s.t.Helper()
	for _, name := range []string{"base", "narrow"} {
		s.put(name, rand.New(rand.NewPCG(1, 1)))
	}
	plainClient.CloseIdleConnections()
	var h holdings
	eventually(s.t, 90*time.Second, func() error {
		for _, name := range []string{"base", "narrow"} {
			got, err := send(context.Background(), "GET", "http://"+s.lab.console+"/api/v1/experiments/"+name, nil, nil)
			if err != nil || !strings.Contains(got.body, `"in_flight":0`) {
				return fmt.Errorf("%s is not done: %v %s", name, err, got.body)
			}
		}
		now := s.holds()
		same := now.goroutines == h.goroutines && now.files == h.files
		h = now
		if !same {
			return fmt.Errorf("still changing: %+v", now)
		}
		return nil
	})
	return h
}

func (s *soak) holds() holdings {
	got, err := send(context.Background(), "GET", "http://"+s.lab.console+"/metrics", nil, nil)
	if err != nil {
		s.t.Error(err)
	}
	var h holdings
	for line := range strings.Lines(got.body) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		value, _ := strconv.ParseFloat(text, 64)
		switch name {
		case "go_goroutines":
			h.goroutines = int(value)
		case "process_open_fds":
			h.files = int(value)
		case "process_resident_memory_bytes":
			h.resident = int(value)
		}
	}
	return h
}

// audit adds up all that was ever counted: nothing is in flight, and each request that was answered is there,
// once.
func (s *soak) audit(path string) {
	store, err := sqlite.Open(s.t.Context(), path, sqlite.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer store.Close()
	all, err := store.Load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	var requests, sampled, trials, dropped int64
	for _, e := range all {
		for since := 1; since <= e.Version; since++ {
			c, err := store.Counts(s.t.Context(), e.Name, since)
			if err != nil {
				s.t.Fatal(err)
			}
			notSampled := int64(0)
			for _, n := range c.NotSampled {
				notSampled += n
			}
			if c.InFlight() != 0 || c.Offered != c.Sampled+notSampled {
				s.t.Errorf("%s from %d: counts do not add up: %+v", e.Name, since, c.Ledger)
			}
			requests, sampled, trials = requests+c.Requests, sampled+c.Sampled, trials+c.Trials
			for _, n := range c.Dropped {
				dropped += n
			}
		}
	}
	s.t.Logf("%d requests counted, %d sampled: %d trials, %d dropped", requests, sampled, trials, dropped)
	if requests < s.answered.Load() || requests > s.begun.Load() {
		s.t.Errorf("%d requests are counted; %d were answered, %d begun", requests, s.answered.Load(), s.begun.Load())
	}
	if sampled != trials+dropped || trials == 0 || dropped == 0 {
		s.t.Errorf("%d sampled, %d trials, %d dropped", sampled, trials, dropped)
	}
}

// misbehave serves a candidate that fails in every way, drawn at random for each request.
func misbehave(t *testing.T, seed uint64) (url string) {
	t.Helper()
	var mu sync.Mutex
	draw, over := rand.New(rand.NewPCG(seed, seed)), make(chan struct{})
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { sayRaw(w, text) }
	}
	wait := func(d time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(d):
				production().ServeHTTP(w, r)
			case <-r.Context().Done():
			case <-over:
			}
		}
	}
	ways := []http.HandlerFunc{
		production().ServeHTTP, // well
		wait(100 * time.Millisecond),
		wait(time.Hour),
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it"), // reset in mid-body
		raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmuch more than two"),
		raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nno chunk"),
		raw("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nwhich"),
		raw("\x00\x01 this is not HTTP\r\n\r\n"),
		raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 3) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
		raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("huge", 1<<19) + "\r\n\r\n"),
		func(w http.ResponseWriter, _ *http.Request) { io.CopyN(w, endless{}, 1<<20) }, // larger than is kept
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		way := ways[draw.IntN(len(ways))]
		mu.Unlock()
		way(w, r)
	}))
	server.Listener = &fickle{Listener: server.Listener}
	server.Start()
	t.Cleanup(func() { close(over); server.CloseClientConnections(); server.Close() })
	return server.URL
}

// sayRaw writes bytes of its own to the connection, and resets it.
func sayRaw(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	out := bufio.NewWriter(conn)
	out.WriteString(text)
	out.Flush()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// fickle resets every tenth connection before a byte is read: to its client it is refused.
type fickle struct {
	net.Listener
	n int
}

func (f *fickle) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if f.n++; err != nil || f.n%10 != 0 {
			return c, err
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// endless is zeros without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }
