package async

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay/lambda/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tries records when an event was tried, and answers from a list, the last of it for ever.
type tries struct {
	mu      sync.Mutex
	began   time.Time
	takes   time.Duration
	answers []Outcome
	seen    []try
}

type try struct {
	after    time.Duration
	id       string
	function string
	payload  string
}

func (t *tries) invoke(e Event) Outcome {
	defer time.Sleep(t.takes)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, try{time.Since(t.began), e.ID, e.Function, string(e.Payload)})
	if e.Function != "f" {
		return success
	}
	return t.answers[min(len(t.seen), len(t.answers))-1]
}

func (t *tries) times() (list []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.seen {
		list = append(list, s.after.String())
	}
	return list
}

var (
	success   = Outcome{Status: 200, Version: "$LATEST", Response: []byte(`{"ok":true}`)}
	failure   = Outcome{Status: 200, Version: "$LATEST", FunctionError: "Unhandled", Response: []byte(`{"errorMessage":"oh no"}`)}
	throttled = Outcome{Status: 429}
)

type lab struct {
	*tries
	policy Policy
	dir    string
	max    int
}

func (l *lab) open(t *testing.T) *Queue {
	t.Helper()
	l.tries.began = time.Now()
	files := &Files{Dir: filepath.Join(l.dir, "queues")}
	q, err := Open(Options{
		Dir: filepath.Join(l.dir, "events"), Max: l.max, MaxBytes: 1 << 20, Invoke: l.invoke, File: files.Append,
		Policy: func(e Event) Policy {
			l.mu.Lock()
			defer l.mu.Unlock()
			if e.Function == "f" {
				return l.policy
			}
			return Policy{MaxAge: DefaultMaxAge}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func newLab(t *testing.T, p Policy, answers ...Outcome) *lab {
	if p.MaxAge == 0 {
		p.MaxAge = DefaultMaxAge
	}
	return &lab{tries: &tries{answers: answers}, policy: p, dir: t.TempDir(), max: 10}
}

func add(t *testing.T, q *Queue, e Event) {
	t.Helper()
	if ok, err := q.Add(e); !ok || err != nil {
		t.Fatalf("added: %v, %v", ok, err)
	}
}

// lines are the messages of a file queue.
func (l *lab) lines(t *testing.T, queue string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(l.dir, "queues", queue+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		policy  Policy
		answers []Outcome
		want    string // times of the tries
	}{
		"success":                {Policy{Retries: 2}, []Outcome{success}, "0s"},
		"success at last":        {Policy{Retries: 2}, []Outcome{failure, failure, success}, "0s 1m0s 3m0s"},
		"retries exhausted":      {Policy{Retries: 2}, []Outcome{failure}, "0s 1m0s 3m0s"},
		"one retry":              {Policy{Retries: 1}, []Outcome{failure}, "0s 1m0s"},
		"no retry":               {Policy{}, []Outcome{failure}, "0s"},
		"throttles back off":     {Policy{Retries: 2, MaxAge: 10 * time.Minute}, []Outcome{throttled}, "0s 2s 6s 14s 30s 1m2s 2m6s 4m14s 8m30s"},
		"throttles do not count": {Policy{Retries: 1}, []Outcome{throttled, failure, throttled, failure}, "0s 2s 1m2s 1m4s"},
		"too old for a retry":    {Policy{Retries: 2, MaxAge: 90 * time.Second}, []Outcome{failure}, "0s 1m0s"},
		"throttled once":         {Policy{Retries: 2}, []Outcome{throttled, success}, "0s 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, c.policy, c.answers...)
				q := l.open(t)
				add(t, q, Event{ID: "e1", Function: "f", Payload: []byte("{}")})
				time.Sleep(7 * time.Hour)
				synctest.Wait()
				if got := strings.Join(l.times(), " "); got != c.want {
					t.Errorf("tries at %s, want %s", got, c.want)
				}
				for _, s := range l.seen {
					if s.id != "e1" {
						t.Errorf("request id %s", s.id)
					}
				}
				if n := q.Len(); n != 0 {
					t.Errorf("%d events left", n)
				}
				q.Close()
				if left, _ := os.ReadDir(filepath.Join(l.dir, "events")); len(left) != 0 {
					t.Errorf("files left: %v", left)
				}
			})
		})
	}
}

func TestDestinationRecords(t *testing.T) {
	for name, c := range map[string]struct {
		policy Policy
		answer Outcome
		queue  string
		want   string
	}{
		"success": {Policy{OnSuccess: "arn:aws:file:::q", OnFailure: "arn:aws:file:::other"}, success, "q",
			`{"version":"1.0","timestamp":"2000-01-01T00:00:00.000Z","requestContext":{"requestId":"e1","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST","condition":"Success","approximateInvokeCount":1},"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":{"ok":true}}`},
		"failure": {Policy{Retries: 1, OnFailure: "arn:aws:file:::q"}, failure, "q",
			`{"version":"1.0","timestamp":"2000-01-01T00:01:00.000Z","requestContext":{"requestId":"e1","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":2},"requestPayload":{"a":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"oh no"}}`},
		"never ran": {Policy{OnFailure: "arn:aws:file:::q", MaxAge: time.Minute}, throttled, "q",
			`{"version":"1.0","timestamp":"2000-01-01T00:01:00.000Z","requestContext":{"requestId":"e1","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST","condition":"EventAgeExceeded","approximateInvokeCount":0},"requestPayload":{"a":1}}`},
		"dead letter": {Policy{DeadLetter: "arn:aws:file:::dead"}, failure, "dead",
			`{"body":{"a":1},"messageAttributes":{"ErrorCode":{"stringValue":"200","dataType":"Number"},"ErrorMessage":{"stringValue":"oh no","dataType":"String"},"RequestID":{"stringValue":"e1","dataType":"String"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, c.policy, c.answer)
				q := l.open(t)
				add(t, q, Event{ID: "e1", Function: "f", Payload: []byte("{\"a\":\n1}")})
				time.Sleep(time.Hour)
				q.Close()
				if got := l.lines(t, c.queue); len(got) != 1 || got[0] != c.want {
					t.Errorf("messages\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
				}
			})
		})
	}
}

func TestDestinationIsAnotherFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Policy{OnSuccess: control.FunctionARN("g"), DeadLetter: control.FunctionARN("h")}, success)
		q := l.open(t)
		add(t, q, Event{ID: "e1", Function: "f", Payload: []byte("{}")})
		time.Sleep(time.Hour)
		q.Close()
		var r Record
		if len(l.seen) != 2 || l.seen[1].function != "g" || json.Unmarshal([]byte(l.seen[1].payload), &r) != nil || r.RequestContext.RequestID != "e1" {
			t.Errorf("tries %+v", l.seen)
		}
	})
}

func TestLoopsEnd(t *testing.T) {
	for loops, want := range map[bool]int{false: maxDepth, true: 100} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, Policy{OnSuccess: control.FunctionARN("f"), Loops: loops}, success)
			l.takes = time.Second
			q := l.open(t)
			add(t, q, Event{ID: "e1", Function: "f", Payload: []byte("{}")})
			time.Sleep(99500 * time.Millisecond)
			q.Close()
			if n := len(l.seen); n != want {
				t.Errorf("loops %v: %d tries, want %d", loops, n, want)
			}
		})
	}
}

func TestRestartGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Policy{Retries: 2, OnFailure: "arn:aws:file:::q"}, failure)
		q := l.open(t)
		add(t, q, Event{ID: "e1", Function: "f", Payload: []byte(`{"a":1}`)})
		time.Sleep(90 * time.Second)
		q.Close()
		if got := strings.Join(l.times(), " "); got != "0s 1m0s" {
			t.Errorf("before: tries at %s", got)
		}
		l.seen = nil
		if err := os.WriteFile(filepath.Join(l.dir, "events", "torn.json.tmp"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		q = l.open(t)
		time.Sleep(time.Hour)
		q.Close()
		if got := strings.Join(l.times(), " "); got != "1m30s" {
			t.Errorf("after: tries at %s", got)
		}
		if got := l.lines(t, "q"); !strings.Contains(got[0], `"approximateInvokeCount":3`) {
			t.Errorf("record %s", got[0])
		}
	})
}

// A record for another function of a try that ended while the queue did is that of the next queue.
func TestARecordOutlivesItsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Policy{OnSuccess: control.FunctionARN("g")}, success)
		l.takes = time.Second
		q := l.open(t)
		add(t, q, Event{ID: "one", Function: "f", Payload: []byte("1")})
		synctest.Wait()
		q.Close() // waits for the try
		q = l.open(t)
		time.Sleep(2 * time.Second)
		q.Close()
		if n := len(l.seen); n != 2 || l.seen[n-1].function != "g" || !strings.Contains(l.seen[n-1].payload, `"requestId":"one"`) {
			t.Errorf("tried %+v", l.seen)
		}
	})
}

func TestInterruptedTryDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Policy{}, Outcome{Interrupted: true}, success)
		q := l.open(t)
		add(t, q, Event{ID: "e1", Function: "f", Payload: []byte("{}")})
		synctest.Wait()
		q.Close()
		q = l.open(t)
		synctest.Wait()
		q.Close()
		if len(l.seen) != 2 || q.Len() != 0 {
			t.Errorf("tries %+v", l.seen)
		}
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Policy{}, throttled)
		l.max = 2
		q := l.open(t)
		add(t, q, Event{ID: "e1", Function: "f"})
		if ok, err := q.Add(Event{ID: "big", Function: "f", Payload: make([]byte, 2<<20)}); ok || err != nil {
			t.Errorf("too many bytes: %v, %v", ok, err)
		}
		add(t, q, Event{ID: "e2", Function: "f"})
		if ok, err := q.Add(Event{ID: "e3", Function: "f"}); ok || err != nil {
			t.Errorf("third of two: %v, %v", ok, err)
		}
		q.Close()
		if ok, _ := q.Add(Event{ID: "e4", Function: "f"}); ok {
			t.Error("a closed queue took an event")
		}
	})
}

func TestGoneFunctionDropsItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, Policy{OnFailure: "arn:aws:file:::q"}, Outcome{Gone: true})
		q := l.open(t)
		add(t, q, Event{ID: "e1", Function: "f"})
		synctest.Wait()
		if n := q.Len(); n != 0 {
			t.Errorf("%d events left", n)
		}
		q.Close()
	})
}
