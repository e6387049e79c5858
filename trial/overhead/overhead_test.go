package overhead

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// service answers in about 10 ms, in 1 of 100 requests ten times slower.
type service struct{ *rand.Rand }

func (s service) took() time.Duration {
	ms := 10 * math.Exp(0.5*s.NormFloat64())
	if s.IntN(100) == 0 {
		ms *= 10
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// live serves so many requests within a minute, of which one in twenty is held out and the others take longer,
// and tells whether stop said so at one of the looks.
func live(seed uint64, requests int, longer time.Duration, stop func(*Watch) bool) (stopped bool, w *Watch) {
	s := service{rand.New(rand.NewPCG(seed, 7))}
	w = &Watch{}
	for i := range requests {
		now := start.Add(time.Duration(i) * time.Minute / time.Duration(requests))
		if s.IntN(20) == 0 {
			w.HeldOut(now, s.took(), false)
		} else {
			w.Sampled(now, s.took()+longer, false)
		}
		if i%50 == 0 && stop(w) {
			return true, w
		}
	}
	return false, w
}

func TestTheBoundsAreTrueHoweverOftenOneLooks(t *testing.T) {
	const runs = 200
	for _, longer := range []time.Duration{0, 3 * time.Millisecond} {
		wrong := 0
		for seed := range uint64(runs) {
			missed, _ := live(seed, 10_000, longer, func(w *Watch) bool {
				i := w.Seen().Interval
				return longer.Seconds() < i[0] || longer.Seconds() > i[1]
			})
			if missed {
				wrong++
			}
		}
		if wrong > runs*alpha {
			t.Errorf("%s longer: the bounds were wrong once in %d of %d runs", longer, wrong, runs)
		}
	}
}

func TestALimitThatIsPassedIsFound(t *testing.T) {
	limit := Limits{Overhead: 5 * time.Millisecond}
	passed := func(w *Watch) bool { return w.Passed(limit) == Overhead }
	for seed := range uint64(20) {
		if found, w := live(seed, 20_000, 15*time.Millisecond, passed); !found {
			t.Errorf("seed %d: 15 ms longer were not found to be more than 5 ms: %+v", seed, w.Seen())
		}
		if found, w := live(seed, 20_000, 5*time.Millisecond, passed); found {
			t.Errorf("seed %d: 5 ms longer were taken for more: %+v", seed, w.Seen())
		}
	}
}

func TestErrors(t *testing.T) {
	most := 0.01
	l := Limits{Errors: &most}
	random := rand.New(rand.NewPCG(1, 1))
	var good, bad Watch
	for range 20_000 {
		good.Sampled(start, time.Millisecond, random.Float64() < most)
		bad.Sampled(start, time.Millisecond, random.Float64() < 2*most)
		if good.Passed(l) != "" {
			t.Fatal("as many errors as are allowed were taken for more")
		}
	}
	if bad.Passed(l) != Errors {
		t.Errorf("twice the errors allowed were not found: %+v", bad.Seen())
	}
}

func TestLittleSaysNothing(t *testing.T) {
	var w Watch
	for range enough - 1 {
		w.HeldOut(start, 0, false)
		w.Sampled(start, time.Hour, false)
	}
	if s := w.Seen(); !math.IsInf(s.Interval[1], 1) || w.Passed(Limits{Overhead: 1}) != "" {
		t.Errorf("bounds from few: %+v", s)
	}
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	var w Watch
	w.Sampled(start, time.Second, true)
	w.HeldOut(start.Add(period), time.Second, false)
	if s := w.Seen(); s.Sampled != 1 || s.HeldOut != 1 || s.Errors != 1 {
		t.Errorf("forgotten too early: %+v", s)
	}
	w.HeldOut(start.Add(2*period), time.Second, false)
	if s := w.Seen(); s.Sampled != 0 || s.HeldOut != 2 {
		t.Errorf("not forgotten: %+v", s)
	}
	w.HeldOut(start.Add(9*period), time.Second, false)
	if s := w.Seen(); s.HeldOut != 1 {
		t.Errorf("not forgotten after a pause: %+v", s)
	}
}
