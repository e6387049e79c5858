package replay

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lane takes everything and remembers it.
type lane struct {
	mu       sync.Mutex
	refuse   bool
	offers   []offer
	reserved int
	drops    map[string]int
}

type offer struct {
	inv     *assay.Invocation
	control *assay.Observation
	at      time.Time
}

func (l *lane) Choose(*assay.Request) assay.Ticket {
	if l.refuse {
		return nil
	}
	return l
}

func (l *lane) Reserve(n, _ int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved += n
	return true
}

func (l *lane) Offer(inv *assay.Invocation, control *assay.Observation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offers = append(l.offers, offer{inv, control, time.Now()})
}

func (l *lane) Drop(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.drops == nil {
		l.drops = map[string]int{}
	}
	l.drops[reason]++
}

// takes is a control that takes so long.
func takes(d time.Duration) assay.Invoker {
	return assay.InvokerFunc(func(ctx context.Context, _ *assay.Invocation) (*assay.Observation, error) {
		select {
		case <-time.After(d):
			return &assay.Observation{Status: 200, Body: []byte("live")}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

// trials is a recording of requests at these offsets.
func trials(offsets ...time.Duration) func() (*assay.Trial, error) {
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	i := 0
	return func() (*assay.Trial, error) {
		if i == len(offsets) {
			return nil, io.EOF
		}
		t := &assay.Trial{
			Time:       first.Add(offsets[i]),
			Invocation: assay.Invocation{ID: "recorded", Request: &assay.Request{Method: "GET", Path: "/", Query: "t=[redacted 0123456789ab]", Header: assay.Header{assay.TrialHeader: {"x"}}, Body: []byte("abc")}},
			Control:    assay.Observation{Status: 201, Body: []byte("recorded")},
		}
		i++
		return t, nil
	}
}

func run(t *testing.T, s *Source, next func() (*assay.Trial, error)) assay.Replayed {
	t.Helper()
	told, err := s.Run(t.Context(), next)
	if err != nil {
		t.Fatal(err)
	}
	if told.Requests != told.Sampled+told.NotSampled+told.Late+told.Unanswered {
		t.Errorf("the counts do not add up: %+v", told)
	}
	return told
}

// Requests go out at their own time, divided by the speed, however slow the control is.
func TestThePaceIsTheRecordings(t *testing.T) {
	for _, speed := range []float64{0.5, 1, 4} {
		synctest.Test(t, func(t *testing.T) {
			l := &lane{}
			began := time.Now()
			s := &Source{Lane: l, Control: takes(10 * time.Second), Timeout: time.Minute, Replay: assay.Replay{Speed: speed}}
			told := run(t, s, trials(0, 100*time.Millisecond, 100*time.Millisecond, 2*time.Second))
			if told.Sampled != 4 || told.Lag != 0 {
				t.Errorf("speed %g: %+v", speed, told)
			}
			last := time.Duration(float64(2*time.Second)/speed) + 10*time.Second
			if got := l.offers[3].at.Sub(began); got != last {
				t.Errorf("speed %g: the last answer came after %s, want %s", speed, got, last)
			}
		})
	}
}

// A request that finds no room at its time is left out and counted; it does not hold up the others.
func TestWhatFindsNoRoomIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lane{}
		s := &Source{Lane: l, Control: takes(time.Second), Timeout: time.Minute, Replay: assay.Replay{Speed: 1, Concurrency: 2}}
		told := run(t, s, trials(0, 1*time.Millisecond, 2*time.Millisecond, 3*time.Millisecond, 1500*time.Millisecond))
		if told.Sampled != 3 || told.Late != 2 {
			t.Errorf("got %+v, want 3 sampled and 2 late", told)
		}
	})
}

// Without a pace nothing is left out: the next request waits for room.
func TestAsFastAsMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lane{}
		s := &Source{Lane: l, Control: takes(time.Second), Timeout: time.Minute, Replay: assay.Replay{Concurrency: 2}}
		told := run(t, s, trials(0, time.Hour, 2*time.Hour, 3*time.Hour, 4*time.Hour, 5*time.Hour))
		if told.Sampled != 6 || told.Took != 3*time.Second {
			t.Errorf("got %+v, want 6 in 3 s", told)
		}
	})
}

func TestEachIsAnotherInvocation(t *testing.T) {
	l := &lane{}
	s := &Source{Lane: l, Control: takes(0), Timeout: time.Minute, Replay: assay.Replay{Header: assay.Header{"Authorization": {"real"}}}}
	if told := run(t, s, trials(0, 0)); told.Hashed != 2 {
		t.Errorf("both have hashes in place of secrets, told of %d", told.Hashed)
	}
	a, b := l.offers[0].inv, l.offers[1].inv
	if a.ID == b.ID || a.ID == "recorded" || a.ID == "" {
		t.Errorf("ids %q and %q", a.ID, b.ID)
	}
	if r := a.Request; r.Header.Get(assay.TrialHeader) != "" || r.Header.Get("Authorization") != "real" || r.Query != "t=[redacted%200123456789ab]" {
		t.Errorf("the request is %+v", r)
	}
	if got := string(l.offers[0].control.Body); got != "live" {
		t.Errorf("the control's answer is %q", got)
	}
	if l.reserved != 2*(len("abc")+len("live")) {
		t.Errorf("%d bytes reserved", l.reserved)
	}
}

// A recorded answer stands for the control, which is not called; without one there is nothing to compare.
func TestRecordedAnswers(t *testing.T) {
	l := &lane{}
	all := trials(0, 0, 0)
	n := 0
	told := run(t, &Source{Lane: l, Replay: assay.Replay{Recorded: true}}, func() (*assay.Trial, error) {
		trial, err := all()
		if n++; err == nil && n == 2 {
			trial.Control = assay.Observation{}
		}
		return trial, err
	})
	if told.Sampled != 2 || told.Unanswered != 1 {
		t.Errorf("%+v, want 2 sampled and 1 unanswered", told)
	}
	for _, o := range l.offers {
		if string(o.control.Body) != "recorded" || !o.control.Recorded {
			t.Errorf("the control's answer is %+v", o.control)
		}
	}
}

func TestWhatTheLaneOrTheControlRefuse(t *testing.T) {
	refusing := &lane{refuse: true}
	if told := run(t, &Source{Lane: refusing, Control: takes(0), Timeout: time.Second}, trials(0, 0)); told.NotSampled != 2 {
		t.Errorf("%+v", told)
	}
	l := &lane{}
	broken := assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
		return nil, errors.New("no engine")
	})
	if told := run(t, &Source{Lane: l, Control: broken, Timeout: time.Second}, trials(0)); told.Sampled != 1 || l.drops[dropControlError] != 1 {
		t.Errorf("%+v, %+v", told, l.drops)
	}
}

// The end of the context and a flaw of the recording end a replay; what was under way is awaited.
func TestItEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lane{}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		s := &Source{Lane: l, Control: takes(10 * time.Second), Timeout: time.Minute, Replay: assay.Replay{Speed: 1}}
		told, err := s.Run(ctx, trials(0, time.Second, 2*time.Second))
		if !errors.Is(err, context.DeadlineExceeded) || told.Requests != 2 || l.drops[dropControlError] != 2 {
			t.Errorf("%v, %+v, %+v", err, told, l.drops)
		}
	})
	flaw := errors.New("line 2")
	next := trials(0)
	s := &Source{Lane: &lane{}, Control: takes(0), Timeout: time.Second}
	told, err := s.Run(t.Context(), func() (*assay.Trial, error) {
		trial, err := next()
		if err == io.EOF {
			err = flaw
		}
		return trial, err
	})
	if !errors.Is(err, flaw) || told.Sampled != 1 {
		t.Errorf("%v, %+v", err, told)
	}
}
