package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/stream/natstest"
)

func TestMain(m *testing.M) {
	natstest.Main()
	goleak.VerifyTestMain(m)
}

var key = []byte(strings.Repeat("k", 32))

func open(t testing.TB, url string, change ...func(*Options)) *Stream {
	t.Helper()
	o := Options{URL: url, Key: key, AckWait: time.Second}
	for _, c := range change {
		c(&o)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Disconnect)
	return s
}

// source is a sender that counts as a laboratory does.
type source struct {
	mu sync.Mutex
	l  assay.Ledger
	in int64 // doubt
}

func newSource(name string) *source {
	return &source{l: assay.Ledger{Experiment: "e", Since: 1, Source: name, Dropped: map[string]int64{}}}
}

// offer samples an invocation and hands it to the stream.
func (s *source) offer(to *Stream, id string) {
	s.mu.Lock()
	s.l.Requests++
	s.l.Offered++
	s.l.Sampled++
	s.mu.Unlock()
	o := &assay.Trial{ID: id, Experiment: "e", Version: 3, Since: 1, Invocation: assay.Invocation{ID: id, Request: &assay.Request{Method: "GET", Path: "/", Body: []byte("a body of " + id)}}}
	if refused := to.Carry(o, s); refused != "" {
		s.Dropped(refused)
	}
}

func (s *source) Ledger() assay.Ledger {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.l
	l.Dropped = maps.Clone(l.Dropped)
	return l
}

func (s *source) unsettled() int64 { l := s.Ledger(); return l.Unsettled() }

func (s *source) Handed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.l.Handed++
}

func (s *source) Dropped(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.l.Dropped[reason]++
}

func (s *source) Doubtful() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in++
}

// hand keeps what it is given, in memory.
type hand struct {
	mu      sync.Mutex
	kept    map[string]int // tries that were kept, by id
	tries   map[string]int
	refused map[string]int64
	ledger  assay.Ledger
	try     func(ctx context.Context, offer *assay.Trial) (string, error)
}

func newHand() *hand {
	return &hand{kept: map[string]int{}, tries: map[string]int{}, refused: map[string]int64{}}
}

func (h *hand) Try(ctx context.Context, offer *assay.Trial, from assay.Ledger) (string, error) {
	h.mu.Lock()
	h.tries[offer.ID]++
	try := h.try
	h.mu.Unlock()
	if try != nil {
		if reason, err := try(ctx, offer); reason != "" || err != nil {
			return reason, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if string(offer.Invocation.Request.Body) != "a body of "+offer.ID || offer.Version != 3 {
		return "", fmt.Errorf("offer %s came as %+v", offer.ID, offer)
	}
	h.kept[offer.ID]++
	h.ledger = h.ledger.Latest(from)
	return "", nil
}

func (h *hand) Kept(_ context.Context, id string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.kept[id] > 0, nil
}

func (h *hand) Note(_ context.Context, from assay.Ledger) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger = h.ledger.Latest(from)
	return nil
}

func (h *hand) Refuse(_ context.Context, all []assay.Refusal, from assay.Ledger) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger = h.ledger.Latest(from)
	for _, r := range all {
		h.refused[r.Reason]++
	}
	return nil
}

func (h *hand) settled() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.kept)
	for _, r := range h.refused {
		n += int(r)
	}
	return n
}

// work has a stream worked on until the test, or the function returned, ends it.
func work(t *testing.T, s *Stream, h *hand, concurrency int) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	w := s.Work(ctx, h, concurrency)
	return func() { cancel(); w.Wait() }
}

// await waits for something that is sure to come.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("waited in vain until " + what)
		}
	}
}

func TestEveryOfferIsTriedOnce(t *testing.T) {
	server := natstest.Start(t)
	gateway, worker := open(t, server.URL), open(t, server.URL)
	from, h := newSource("gateway"), newHand()
	stop := work(t, worker, h, 8)
	const offers = 2000
	for i := range offers {
		from.offer(gateway, fmt.Sprint(i))
	}
	await(t, "all are kept", func() bool { return h.settled() == offers })
	gateway.Close(t.Context(), "shutdown")
	stop()
	for id, n := range h.tries {
		if n != 1 {
			t.Errorf("offer %s was tried %d times", id, n)
		}
	}
	if got := from.Ledger(); got.Handed != offers || got.Unsettled() != 0 {
		t.Errorf("the source counted %+v", got)
	}
	if h.ledger.Sampled != offers || h.ledger.Handed != offers {
		t.Errorf("with the offers came %+v", h.ledger)
	}
}

// What a killed source had handed over is known from the stream, or from where workers keep it.
func TestTheStreamKnowsWhatWasHandedOver(t *testing.T) {
	server := natstest.Start(t)
	gateway := open(t, server.URL)
	from := newSource("gateway")
	for i := range 300 {
		from.offer(gateway, fmt.Sprint(i))
	}
	await(t, "all are handed over", func() bool { return from.Ledger().Handed == 300 })
	again := open(t, server.URL)
	got, err := again.Latest(t.Context(), assay.Ledger{Experiment: "e", Since: 1, Source: "gateway"})
	if err != nil || got.Handed != 300 || got.Unsettled() != 0 {
		t.Errorf("got %+v, %v; want 300 handed over", got, err)
	}
	other, err := again.Latest(t.Context(), assay.Ledger{Experiment: "e", Since: 2, Source: "gateway"})
	if err != nil || other.Handed != 0 {
		t.Errorf("other evidence has %+v, %v", other, err)
	}
}

func TestAServerThatGoesAwayLosesNothing(t *testing.T) {
	server := natstest.Start(t)
	gateway, worker := open(t, server.URL, func(o *Options) { o.Waiting = 100 }), open(t, server.URL)
	from, h := newSource("gateway"), newHand()
	defer work(t, worker, h, 4)()
	for i := range 50 {
		from.offer(gateway, fmt.Sprint("before-", i))
	}
	await(t, "those before are kept", func() bool { return h.settled() == 50 })
	server.Kill()
	began := time.Now()
	for i := range 300 {
		from.offer(gateway, fmt.Sprint("meanwhile-", i))
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("offers waited for the stream: %s", took)
	}
	if n := from.Ledger().Dropped[dropStream]; n < 100 || n > 200 {
		t.Errorf("%d of 300 were dropped with room for 100, and a frame's", n)
	}
	server.Run()
	await(t, "the rest is kept", func() bool { l := from.Ledger(); return l.Unsettled() == 0 && int64(h.settled()) == l.Handed })
	if l := from.Ledger(); l.Sampled != 350 || l.Handed+l.Dropped[dropStream] != 350 {
		t.Errorf("counted %+v", l)
	}
}

// What was never sent is dropped, and in no doubt, when time is up.
func TestWhatWasNotSentIsInNoDoubt(t *testing.T) {
	server := natstest.Start(t)
	gateway := open(t, server.URL)
	if err := gateway.Reached(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	await(t, "that is noticed", func() bool { return !gateway.Connected() })
	from := newSource("gateway")
	const offers = 3 * frameOffers
	for i := range offers {
		from.offer(gateway, fmt.Sprint(i))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	gateway.Close(ended, "shutdown")
	if l := from.Ledger(); from.in != 0 || l.Dropped["shutdown"] != offers {
		t.Errorf("of %d, %d are in doubt, and dropped %v", offers, from.in, l.Dropped)
	}
}

// A stream that somebody deleted is made again by whoever needs it first.
func TestADeletedStreamIsMadeAgain(t *testing.T) {
	server := natstest.Start(t)
	gateway := open(t, server.URL)
	if err := gateway.Post(t.Context(), assay.Experiment{Name: "e", Version: 1}); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{gateway.js.DeleteStream(t.Context(), gateway.offers()), gateway.js.DeleteKeyValue(t.Context(), gateway.bucket())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := gateway.Post(t.Context(), assay.Experiment{Name: "e", Version: 2}); err != nil {
		t.Error(err)
	}
	from := newSource("gateway")
	from.offer(gateway, "1")
	await(t, "it is handed over", func() bool { return from.Ledger().Handed == 1 })
}

func TestAFullStreamDropsTheNewest(t *testing.T) {
	server := natstest.Start(t)
	gateway := open(t, server.URL, func(o *Options) { o.Waiting, o.MaxBytes = 10, 20_000 })
	from, h := newSource("gateway"), newHand()
	for i := 0; from.Ledger().Dropped[dropStream] == 0; i++ {
		from.offer(gateway, fmt.Sprint(i))
		time.Sleep(100 * time.Microsecond)
	}
	worker := open(t, server.URL)
	defer work(t, worker, h, 4)()
	await(t, "what was taken is kept", func() bool { l := from.Ledger(); return l.Unsettled() == 0 && int64(h.settled()) == l.Handed })
}

// A worker that died leaves a frame whose offers were tried in part: the rest is tried, and poison alone is given up.
func TestPoisonTakesNothingElseWithIt(t *testing.T) {
	server := natstest.Start(t)
	gateway, worker := open(t, server.URL), open(t, server.URL)
	from, h := newSource("gateway"), newHand()
	h.try = func(_ context.Context, offer *assay.Trial) (string, error) {
		if offer.ID == "7" {
			return "", errors.New("a worker died of it")
		}
		return "", nil
	}
	if err := gateway.Reached(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		from.offer(gateway, fmt.Sprint(i))
	}
	defer work(t, worker, h, 4)()
	await(t, "all are settled", func() bool { return h.settled() == 40 })
	if len(h.kept) != 39 || h.refused[dropPoison] != 1 || h.tries["7"] > 2*maxDeliveries {
		t.Errorf("%d kept, refused %v, poison tried %d times", len(h.kept), h.refused, h.tries["7"])
	}
}

func TestWhatIsRefusedIsCountedOnce(t *testing.T) {
	server := natstest.Start(t)
	gateway, worker := open(t, server.URL), open(t, server.URL)
	from, h := newSource("gateway"), newHand()
	h.try = func(_ context.Context, offer *assay.Trial) (string, error) {
		switch {
		case strings.HasSuffix(offer.ID, "3"):
			return "memory", nil
		case offer.ID == "5":
			return "", &assay.Error{Code: assay.CodeNotFound, What: "not known here yet"}
		}
		return "", nil
	}
	for i := range 40 {
		from.offer(gateway, fmt.Sprint(i))
	}
	defer work(t, worker, h, 4)()
	await(t, "all are settled", func() bool { return h.settled() == 40 })
	if h.refused["memory"] != 4 || h.refused[dropDefinition] != 1 || len(h.kept) != 35 {
		t.Errorf("%d kept, refused %v", len(h.kept), h.refused)
	}
	if h.ledger.Handed != 40 {
		t.Errorf("the source's ledger came as %+v", h.ledger)
	}
}

// A worker that ends gives back what it has not begun, and another goes on.
func TestAWorkerThatEndsGivesBack(t *testing.T) {
	server := natstest.Start(t)
	gateway, worker := open(t, server.URL), open(t, server.URL)
	from, h := newSource("gateway"), newHand()
	begun, goOn := make(chan struct{}, 100), make(chan struct{})
	h.try = func(ctx context.Context, offer *assay.Trial) (string, error) {
		begun <- struct{}{}
		<-goOn
		return "", ctx.Err()
	}
	for i := range 20 {
		from.offer(gateway, fmt.Sprint(i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	ending := worker.Work(ctx, h, 1)
	<-begun
	cancel()
	close(goOn)
	ending.Wait()
	if len(h.kept) == 0 || len(h.kept) == 20 {
		t.Errorf("%d of 20 were kept by a worker that ended", len(h.kept))
	}
	defer work(t, worker, h, 4)()
	await(t, "all are kept", func() bool { return h.settled() == 20 })
	for id, n := range h.tries {
		if n != 1 {
			t.Errorf("offer %s was tried %d times", id, n)
		}
	}
}

func TestOthersCannotRead(t *testing.T) {
	s, err := newSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.pack(&frame{Offers: []assay.Trial{{ID: "a secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), "secret") {
		t.Error("what travels can be read")
	}
	other, _ := newSealer([]byte(strings.Repeat("x", 32)))
	if _, err := other.unpack(sealed); !errors.Is(err, errSealed) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := s.open(sealed, whatDefinition+"e"); !errors.Is(err, errSealed) {
		t.Errorf("as something else: %v", err)
	}
	for i := range sealed {
		changed := []byte(string(sealed))
		changed[i] ^= 1
		if _, err := s.unpack(changed); err == nil {
			t.Fatalf("byte %d was changed, and nobody saw it", i)
		}
	}
	if same, err := s.unpack(sealed); err != nil || same.Offers[0].ID != "a secret" {
		t.Errorf("got %+v, %v", same, err)
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string][2]string{
		"nats://one:4222":               {"nats://one:4222", "assay"},
		"nats://one:4222/staging":       {"nats://one:4222", "staging"},
		"tls://u:p@one:1,two:2/staging": {"tls://u:p@one:1,tls://two:2", "staging"},
		"one:4222":                      {},
		"nats://one:4222/a.b":           {},
		"":                              {},
	} {
		servers, name, err := split(address)
		if got := [2]string{servers, name}; (err != nil) != (want == [2]string{}) || err == nil && got != want {
			t.Errorf("%q is %v, %v; want %v", address, got, err, want)
		}
	}
	for address, want := range map[string]string{
		"nats://one:4222/staging":               "nats://one:4222/staging",
		"nats://user:secret@one:4222":           "nats://…@one:4222",
		"tls://secret@one:1,u:s@ecret@two:2/at": "tls://…@one:1,…@two:2/at",
	} {
		if got := redacted(address); got != want {
			t.Errorf("an error would say %s, want %s", got, want)
		}
	}
}
