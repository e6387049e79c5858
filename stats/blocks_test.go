package stats

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBlocksSurviveEncodingAtEveryPair(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	whole, restarted := new(Blocks), new(Blocks)
	for range 3000 {
		x, y := rng.ExpFloat64(), rng.ExpFloat64()
		whole.Add(.5, x, y)
		restarted.Add(.5, x, y)
		again, err := DecodeBlocks(restarted.Encode())
		if err != nil {
			t.Fatal(err)
		}
		restarted = again
	}
	if !bytes.Equal(whole.Encode(), restarted.Encode()) || whole.Pairs() != 3000 {
		t.Error("restarting changed the blocks")
	}
	// 640 pairs make the first 128 differences, 1,280 the next, and twenty one each from then on.
	if n := len(whole.Differences()); n != 128+128+54 {
		t.Errorf("%d differences of 3,000 pairs", n)
	}
}

func TestBlocksOfABillionPairsAreFew(t *testing.T) {
	pairs, r := 0., 0
	for ; pairs < 1e9; r++ {
		pairs += 5 * Merged(r)
	}
	if r > 3000 {
		t.Errorf("%d differences", r)
	}
}

func TestBlocksTakePositiveNumbersAlone(t *testing.T) {
	var b Blocks
	for _, x := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if b.Add(.5, x, 1) || b.Add(.5, 1, x) {
			t.Errorf("%v was taken", x)
		}
	}
	for _, x := range []float64{1, 2, 3, 4, 1000} {
		b.Add(.5, x, 1)
	}
	if !slices.Equal(b.Differences(), []float64{math.Log(3)}) {
		t.Errorf("%v", b.Differences())
	}
}

// Swapping the labels of a block turns its difference about, whatever the statistic: that is all the gate needs.
func TestBlocksAreOdd(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, s := range []Statistic{Mean, .5, .9, .95, .99} {
		var one, other Blocks
		for range 10 * s.Size() {
			x, y := math.Exp(rng.NormFloat64()), rng.ExpFloat64()
			one.Add(s, x, y)
			other.Add(s, y, x)
		}
		if len(one.Differences()) != 10 {
			t.Fatalf("%v: %d blocks", s, len(one.Differences()))
		}
		for r, d := range one.Differences() {
			if d != -other.Differences()[r] {
				t.Errorf("%v: %v and %v", s, d, other.Differences()[r])
			}
		}
	}
}

func FuzzDecodeBlocks(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 200})
	f.Add(new(Blocks).Encode())
	var b Blocks
	for i := range 23 {
		b.Add(.5, float64(i+1), 2)
	}
	f.Add(b.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := DecodeBlocks(data)
		if err != nil {
			return
		}
		again, err := DecodeBlocks(b.Encode())
		if err != nil || !bytes.Equal(again.Encode(), b.Encode()) {
			t.Errorf("decoded blocks do not encode: %v", err)
		}
		b.Add(.5, 1, 2)
	})
}

func TestCentreIntervalCoversAndNarrows(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	const runs, blocks, alpha, centre = 100, 80, .05, -.1
	missed := 0
	for range runs {
		var d []float64
		for len(d) < blocks {
			d = append(d, centre+.1*rng.NormFloat64())
			if g := Centre(d, centre); g.Up >= 1/alpha {
				missed++
				break
			}
		}
		if low, high := CentreInterval(d, alpha); len(d) == blocks && (high-low > .15 || low > high) {
			t.Errorf("%v to %v after %d blocks", low, high, blocks)
		}
	}
	if missed > alpha*runs {
		t.Errorf("one end missed in %d of %d runs", missed, runs)
	}
	if low, high := CentreInterval([]float64{1, 2}, alpha); !math.IsInf(low, -1) || !math.IsInf(high, 1) {
		t.Errorf("two blocks say %v to %v", low, high)
	}
}

// What is estimated before is what the median run takes, about.
func TestNeeded(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, centre := range []float64{.03, .1, .5} {
		const scale, alpha = .1, .05
		want, ok := Needed(centre, scale, alpha)
		var took []int64
		for range 101 {
			var d []float64
			for Centre(d, 0).Up < 1/alpha {
				d = append(d, centre+scale*rng.NormFloat64())
			}
			took = append(took, int64(len(d)))
		}
		slices.Sort(took)
		if got := took[50]; !ok || float64(want) < .6*float64(got) || float64(want) > 1.6*float64(got) {
			t.Errorf("centre %v: %d estimated, %d needed", centre, want, got)
		}
	}
	if _, ok := Needed(0, 1, .05); ok {
		t.Error("nothing can be told from itself")
	}
	if n, ok := Needed(1, 0, .05); !ok || n > 20 {
		t.Errorf("%d blocks to see what every block shows", n)
	}
}

func BenchmarkCentreInterval(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 5))
	d := make([]float64, 300)
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	for b.Loop() {
		CentreInterval(d, .05)
	}
}
