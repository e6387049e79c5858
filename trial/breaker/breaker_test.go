package breaker

import (
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// call makes one call if the breaker lets it.
func call(b *Breaker, at time.Duration, fault bool) (made bool) {
	c, ok := b.Begin(start.Add(at))
	if ok {
		b.End(c, start.Add(at), fault)
	}
	return ok
}

func TestARunOfFaultsOpensIt(t *testing.T) {
	var b Breaker
	for i := range DefaultRun {
		if !call(&b, 0, true) {
			t.Fatalf("open after %d faults", i)
		}
	}
	if call(&b, firstWait-1, false) {
		t.Error("a call was let through before the wait was over")
	}
	if b.Opened() != 1 {
		t.Errorf("opened %d times", b.Opened())
	}
}

func TestASuccessEndsARun(t *testing.T) {
	var b Breaker
	for i := range 200 {
		call(&b, 0, i%3 == 0) // a third faults
	}
	if open, _ := b.Open(); open {
		t.Error("open at a third of faults, never two in a row")
	}
}

func TestHalfOfTheCallsOpensIt(t *testing.T) {
	var b Breaker
	n := 0
	for ; n < 200 && call(&b, 0, n%2 == 0); n++ {
	}
	if n != window {
		t.Errorf("opened after %d calls of which half fault, want %d", n, window)
	}
}

// TestProbes goes through a candidate that stays down: probes come one at a time, each after twice the time.
func TestProbes(t *testing.T) {
	b := Breaker{Run: 1}
	call(&b, 0, true)
	at, want := time.Duration(0), firstWait
	for range 12 {
		if call(&b, at+want-1, false) {
			t.Fatalf("probed before %s had passed", want)
		}
		at += want
		probe, ok := b.Begin(start.Add(at))
		if !ok {
			t.Fatalf("no probe after %s", want)
		}
		if _, second := b.Begin(start.Add(at)); second {
			t.Fatal("two probes at a time")
		}
		b.End(probe, start.Add(at), true)
		want = min(2*want, lastWait)
	}
	at += want
	for i := range closes {
		if open, _ := b.Open(); !open || !call(&b, at, false) {
			t.Fatalf("closed, or closed to probes, after %d good ones", i)
		}
	}
	if open, _ := b.Open(); open {
		t.Errorf("still open after %d good probes", closes)
	}
	call(&b, at, true)
	if !call(&b, at+firstWait, true) {
		t.Errorf("the first wait after it was closed is not %s", firstWait)
	}
}

func TestACancelledProbeLeavesRoomForTheNext(t *testing.T) {
	b := Breaker{Run: 1}
	call(&b, 0, true)
	probe, _ := b.Begin(start.Add(firstWait))
	b.Cancel(probe)
	if _, ok := b.Begin(start.Add(firstWait)); !ok {
		t.Error("no probe after one that was cancelled")
	}
}

func TestItCanBeSwitchedOff(t *testing.T) {
	b := Breaker{Run: -1}
	for range 1000 {
		if !call(&b, 0, true) {
			t.Fatal("a breaker that is off opened")
		}
	}
}

// TestCallsThatBeganBefore: the ends of calls that were under way when it opened are no probes.
func TestCallsThatBeganBefore(t *testing.T) {
	b := Breaker{Run: 2}
	var calls []Call
	for range 5 {
		c, _ := b.Begin(start)
		calls = append(calls, c)
	}
	b.End(calls[0], start, true)
	b.End(calls[1], start, true)
	probe, _ := b.Begin(start.Add(firstWait))
	for _, late := range calls[2:] {
		b.End(late, start.Add(firstWait), false)
	}
	if _, second := b.Begin(start.Add(firstWait)); second {
		t.Error("a late call ended the probe")
	}
	b.End(probe, start.Add(firstWait), true)
	if _, until := b.Open(); until != start.Add(3*firstWait) {
		t.Errorf("waits until %s after its first probe, want twice %s more", until, firstWait)
	}
}

// TestHowManyCallsADeadCandidateCosts bounds them whatever the traffic: the waits grow to a minute.
func TestHowManyCallsADeadCandidateCosts(t *testing.T) {
	var b Breaker
	random := rand.New(rand.NewPCG(1, 2))
	calls := 0
	for at := time.Duration(0); at < time.Hour; at += time.Duration(random.IntN(20)) * time.Millisecond {
		if call(&b, at, true) {
			calls++
		}
	}
	if most := DefaultRun + 6 + 60; calls > most {
		t.Errorf("%d calls in an hour, want %d at most", calls, most)
	}
}
