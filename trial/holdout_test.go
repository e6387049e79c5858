package trial

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
)

// answerTo plays a source that tells how long it took: as given for sampled requests, or for those held out.
func answerTo(l *Lane, sampled, out time.Duration, status int) {
	r := &assay.Request{Method: "GET", Path: "/"}
	t := l.Choose(r)
	if t == nil {
		return
	}
	control := observed(status, "a")
	took := sampled
	if _, is := t.(*heldOut); is {
		took = out
	}
	t.(assay.Timed).Served(took, control)
	t.Drop("test")
}

func TestTheHoldOutIsLeftAlone(t *testing.T) {
	store := &memory{}
	f := New(Options{Store: store, Seed: 3})
	p := plan(answers(200, "a"))
	p.Experiment.Holdout, p.Experiment.Sample.Rate, p.Experiment.Budget.Queue = 0.1, 0.5, 1<<20
	l := lane(t, f, p)
	offerMany(l, 20_000)
	f.Close(t.Context())
	got := ledgerOf(t, f)
	chosen := got.Sampled + got.NotSampled["holdout"]
	if share := float64(got.NotSampled["holdout"]) / float64(chosen); math.Abs(share-0.1) > 5*math.Sqrt(.09/float64(chosen)) {
		t.Errorf("%.4f of what was chosen is held out, want 0.1", share)
	}
	if got.Offered != 20_000 || got.Sampled != int64(len(store.kept()))+sum(got.Dropped) {
		t.Errorf("counts: %+v", got)
	}
}

// TestTheKillSwitch: the request after the one that shows it is not sampled any more, and none until resumed.
func TestTheKillSwitch(t *testing.T) {
	one := 0.01
	for name, c := range map[string]struct {
		protect          assay.Protect
		sampled, heldOut time.Duration
		status           int
		want             string
	}{
		"overhead":        {assay.Protect{Overhead: 5 * time.Millisecond}, 20 * time.Millisecond, 10 * time.Millisecond, 200, "overhead"},
		"little overhead": {assay.Protect{Overhead: 5 * time.Millisecond}, 14 * time.Millisecond, 10 * time.Millisecond, 200, ""},
		"errors":          {assay.Protect{Errors: &one}, 0, 0, 500, "errors"},
		"no errors":       {assay.Protect{Errors: &one}, 0, 0, 404, ""},
		"no limits":       {assay.Protect{}, time.Hour, 0, 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				f := New(Options{Store: &memory{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
				defer f.Close(context.Background())
				p := plan(answers(200, "a"))
				p.Experiment.Protect, p.Experiment.Holdout = c.protect, 0.1
				l := lane(t, f, p)
				for range 10_000 {
					before := ledgerOf(t, f).NotSampled["paused"]
					was := f.Tripped("e")
					answerTo(l, c.sampled, c.heldOut, c.status)
					if paused := ledgerOf(t, f).NotSampled["paused"] > before; paused != (was != "") {
						t.Fatalf("tripped %q, and the next request paused: %t", was, paused)
					}
				}
				if got := f.Tripped("e"); got != c.want || strings.Count(log.String(), "paused itself") != min(1, len(c.want)) {
					t.Fatalf("tripped %q, want %q; log:\n%s", got, c.want, &log)
				}
				paused, again := *p, *p
				paused.Experiment.State = assay.StatePaused
				lane(t, f, &paused)
				lane(t, f, &again)
				if f.Tripped("e") != "" || l.Choose(&assay.Request{Method: "GET"}) == nil {
					t.Error("resumed, and still tripped")
				}
			})
		})
	}
}

// TestAPauseTakesEffectWithinOneRequest, and so does every other change.
func TestAPauseTakesEffectWithinOneRequest(t *testing.T) {
	f := New(Options{Store: &memory{}})
	defer f.Close(context.Background())
	p := plan(answers(200, "a"))
	l := lane(t, f, p)
	for i := range 100 {
		now := *p
		now.Experiment.State = []assay.State{assay.StatePaused, assay.StateRunning}[i%2]
		lane(t, f, &now)
		ticket := l.Choose(&assay.Request{Method: "GET"})
		if (ticket != nil) != (i%2 == 1) {
			t.Fatalf("change %d: sampled is %t", i, ticket != nil)
		}
		if ticket != nil {
			ticket.Drop("test")
		}
		now.Experiment.State, now.Experiment.Sample.Rate = assay.StateRunning, 0
		if lane(t, f, &now); l.Choose(&assay.Request{Method: "GET"}) != nil {
			t.Fatal("sampled at a rate of 0")
		}
	}
}
