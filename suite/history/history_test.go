package history

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay/suite"
)

func open(t *testing.T, file string) *History {
	t.Helper()
	h, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func run(results ...suite.Result) suite.Run {
	return suite.Run{Started: time.UnixMilli(1000), Results: results}
}

// TestBranchesFallBack: a branch knows its own durations, and else those of the others.
func TestBranchesFallBack(t *testing.T) {
	ctx := context.Background()
	h := open(t, filepath.Join(t.TempDir(), "a b?#", "history.db"))
	main, topic := Key{"p", "main"}, Key{"p", "topic"}
	keep := func(k Key, r suite.Run) {
		if err := h.Keep(ctx, k, r); err != nil {
			t.Fatal(err)
		}
	}
	keep(main, run(suite.Result{ID: "a", Status: suite.Pass, Call: 1}, suite.Result{ID: "b", Status: suite.Fail, Call: 2}))
	keep(topic, run(suite.Result{ID: "a", Status: suite.Flaky, Call: 5}, suite.Result{ID: "c", Status: suite.Crash, Call: 9}))
	keep(topic, run(suite.Result{ID: "a", Status: suite.Pass, Call: 10}))
	past, err := h.Load(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]suite.Past{
		"a": {Mean: 7 * time.Second, Runs: 2, Flaky: 1, Late: "R.", Branches: []suite.Branch{{Name: "main", Runs: 1, Late: "."}, {Name: "topic", Runs: 2, Flaky: 1, Late: "R."}}},
		"b": {Mean: 2 * time.Second, Runs: 1, Fails: 1, Late: "F", Branches: []suite.Branch{{Name: "main", Runs: 1, Fails: 1, Late: "F"}}},
	}
	if fmt.Sprint(past) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", past, want)
	}
	if past, _ := h.Load(ctx, main); past["a"].Mean != time.Second {
		t.Errorf("main's own: %v", past["a"])
	}
	if past, _ := h.Load(ctx, Key{"other", "main"}); len(past) != 0 {
		t.Errorf("of another project: %v", past)
	}
}

// TestRunsAtOnce: nothing is lost of runs that end at the same time.
func TestRunsAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	var runs sync.WaitGroup
	for i := range 8 {
		runs.Go(func() {
			h, err := Open(file)
			if err != nil {
				t.Error(err)
				return
			}
			defer h.Close()
			for j := range 5 {
				r := run(suite.Result{ID: "shared", Status: suite.Pass, Call: 1}, suite.Result{ID: fmt.Sprint(i, j), Status: suite.Pass, Call: 1})
				if err := h.Keep(context.Background(), Key{"p", ""}, r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	past, err := open(t, file).Load(context.Background(), Key{"p", ""})
	if err != nil || len(past) != 41 || past["shared"].Runs != 40 {
		t.Errorf("%d tests, shared %+v, %v", len(past), past["shared"], err)
	}
}

func TestBranch(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "r/.git/worktrees/w"), 0o755)
	os.MkdirAll(filepath.Join(dir, "r/deep/er"), 0o755)
	os.MkdirAll(filepath.Join(dir, "w"), 0o755)
	os.WriteFile(filepath.Join(dir, "r/.git/HEAD"), []byte("ref: refs/heads/topic/one\n"), 0o644)
	os.WriteFile(filepath.Join(dir, "r/.git/worktrees/w/HEAD"), []byte("ref: refs/heads/other\n"), 0o644)
	os.WriteFile(filepath.Join(dir, "w/.git"), []byte("gitdir: ../r/.git/worktrees/w\n"), 0o644)
	for at, want := range map[string]string{"r/deep/er": "topic/one", "w": "other", ".": ""} {
		if got := Branch(filepath.Join(dir, at)); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

// TestMarks: how the latest runs ended is known of so many, crashes included, and tell nothing of durations.
func TestMarks(t *testing.T) {
	h, k := open(t, filepath.Join(t.TempDir(), "history.db")), Key{"p", "main"}
	for i := range 30 {
		status := suite.Pass
		switch i {
		case 5, 25:
			status = suite.Crash
		case 28:
			status = suite.Fail
		}
		took := map[bool]float64{true: 100, false: 1}[status == suite.Crash]
		if err := h.Keep(t.Context(), k, run(suite.Result{ID: "a", Status: status, Call: took}, suite.Result{ID: "lost", Status: suite.Lost})); err != nil {
			t.Fatal(err)
		}
	}
	past, err := h.Load(t.Context(), k)
	if got := past["a"]; err != nil || len(past) != 1 || got.Late != "...............E..F." || got.Runs != 30 || got.Fails != 3 || got.Mean != time.Second {
		t.Errorf("%+v, %v", past, err)
	}
}

// TestEarlierVersion: a file that has no marks yet keeps what it knows.
func TestEarlierVersion(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	h := open(t, file)
	if err := h.Keep(t.Context(), Key{"p", ""}, run(suite.Result{ID: "a", Status: suite.Pass, Call: 1})); err != nil {
		t.Fatal(err)
	}
	if _, err := h.db.Exec("ALTER TABLE past DROP COLUMN marks"); err != nil {
		t.Fatal(err)
	}
	h.Close()
	for range 2 {
		past, err := open(t, file).Load(t.Context(), Key{"p", ""})
		if err != nil || past["a"].Runs != 1 || past["a"].Late != "" {
			t.Errorf("%+v, %v", past, err)
		}
	}
}
