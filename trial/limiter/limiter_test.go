package limiter

import (
	"math/rand/v2"
	"testing"
	"time"
)

// control is a service whose latency rises with its clients and with the calls of candidates beside.
type control struct {
	base, perCall time.Duration
	random        *rand.Rand
}

func (c *control) took(load float64, calls int) time.Duration {
	mean := float64(c.base)*load + float64(c.perCall)*float64(calls)
	return time.Duration(mean * (0.6 + 0.4*c.random.ExpFloat64())) // the tail is long
}

// live runs a limiter of at most 16 calls for a while, at 1,000 requests/s, and returns its average limit in the
// last half of it.
func live(c *control, long time.Duration, load func(time.Duration) float64) float64 {
	l := Limiter{Most: 16}
	start := time.Unix(1_700_000_000, 0)
	sum, n := 0, 0
	for at := time.Duration(0); at < long; at += time.Millisecond {
		now := start.Add(at)
		l.Control(now, c.took(load(at), l.Limit(now)))
		if at > long/2 {
			sum, n = sum+l.all(), n+1
		}
	}
	return float64(sum) / float64(n)
}

func steady(time.Duration) float64 { return 1 }

// waves is a load that doubles and halves every few seconds, with bursts.
func waves(at time.Duration) float64 {
	load := 1.0
	if at/(3*time.Second)%2 == 1 {
		load = 4
	}
	if at%(1700*time.Millisecond) < 200*time.Millisecond {
		load *= 3
	}
	return load
}

func TestItYieldsToAControlThatCallsSlowDown(t *testing.T) {
	for seed := range uint64(20) {
		c := &control{base: 2 * time.Millisecond, perCall: time.Millisecond, random: rand.New(rand.NewPCG(seed, 1))}
		if got := live(c, time.Minute, steady); got > 4 {
			t.Errorf("seed %d: %.1f calls at once, each of which makes the control 50 %% slower", seed, got)
		}
	}
}

func TestItDoesNotYieldToClients(t *testing.T) {
	for seed := range uint64(20) {
		c := &control{base: 2 * time.Millisecond, random: rand.New(rand.NewPCG(seed, 2))}
		if got := live(c, time.Minute, waves); got < 14 {
			t.Errorf("seed %d: %.1f calls at once, none of which matters to the control", seed, got)
		}
	}
}

func TestItComesBack(t *testing.T) {
	c := &control{base: 2 * time.Millisecond, perCall: time.Millisecond, random: rand.New(rand.NewPCG(3, 3))}
	l := Limiter{Most: 16}
	start := time.Unix(1_700_000_000, 0)
	for at := time.Duration(0); at < 2*time.Minute; at += time.Millisecond {
		if at == time.Minute {
			c.perCall = 0
		}
		now := start.Add(at)
		l.Control(now, c.took(1, l.Limit(now)))
	}
	if l.all() < 12 {
		t.Errorf("%d calls at once a minute after they ceased to matter", l.all())
	}
}

func TestThrottlesHalveIt(t *testing.T) {
	l := Limiter{Most: 16}
	now := time.Unix(1_700_000_000, 0)
	for range 100 {
		l.Throttled(now)
	}
	if l.all() != 8 {
		t.Errorf("a burst of throttles leaves %d, want 8", l.all())
	}
	for i := range 100 {
		l.Throttled(now.Add(time.Duration(i) * throttle))
	}
	if l.all() != 1 || l.Limit(now) != 1 {
		t.Errorf("many throttles leave %d and %d, want 1", l.all(), l.Limit(now))
	}
}

func TestFewAnswersSayNothing(t *testing.T) {
	l := Limiter{Most: 16}
	start := time.Unix(1_700_000_000, 0)
	for i := range 10_000 {
		now := start.Add(time.Duration(i) * 20 * time.Millisecond)
		l.Control(now, time.Duration(l.Limit(now))*time.Second)
	}
	if l.all() != 16 {
		t.Errorf("%d, after windows of five answers", l.all())
	}
}
