package storetest

import (
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// whole is a store that keeps everything there is, and can be exported.
type whole interface {
	readable
	assay.Definitions
	assay.Rollouts
	assay.Trends
	assay.Courses
	assay.Archives
}

// RunArchives checks what assay.Archives promises, between a store of the kind that from opens and one that to
// opens. Each call of them returns an empty store, which they close at the end of the test.
func RunArchives[F, T whole](t *testing.T, from func(*testing.T) F, to func(*testing.T) T) {
	t.Run("everything_is_moved", func(t *testing.T) { everythingMoves(t, from(t), to(t)) })
	t.Run("all_or_nothing_is_imported", func(t *testing.T) { importIsWhole(t, from(t), to(t)) })
	t.Run("one_experiment_is_moved", func(t *testing.T) { oneMoves(t, from(t), to(t)) })
}

// fill keeps something of everything.
func fill(t *testing.T, s whole) {
	t.Helper()
	trials := Trials(31, 260)
	for i := range trials {
		trials[i].Since = 1 + i/130
		trials[i].Experiment = []string{Experiment, "another"}[i%5/4]
	}
	for batch := range slices.Chunk(trials, 50) {
		ledger := assay.Ledger{Experiment: Experiment, Since: 1, Requests: 500, Offered: 400, Sampled: 300, NotSampled: map[string]int64{"chance": 100}, Dropped: map[string]int64{"memory": 1}}
		if err := s.Keep(t.Context(), assay.Batch{Trials: batch, Ledgers: []assay.Ledger{ledger}}); err != nil {
			t.Fatal(err)
		}
	}
	keepStrata(t, s, strataOf("", 1, part("/a", "2xx", 7)), strataOf("other", 1, part("/b", "", 30)))
	for _, err := range []error{
		s.Save(t.Context(), assay.Experiment{Name: Experiment, Version: 1, Since: 1}),
		s.Save(t.Context(), assay.Experiment{Name: Experiment, Version: 2, Since: 2, State: assay.StatePaused}),
		s.Save(t.Context(), assay.Experiment{Name: "another", Version: 1, Since: 1}),
		s.Mark(t.Context(), assay.Mark{Experiment: Experiment, Arm: "one", ID: "x", State: "accepted", By: "ann", Time: start}),
		s.Advance(t.Context(), assay.Standing{Experiment: Experiment, Stage: assay.StageCanary, Entered: start}, assay.Step{Experiment: Experiment, Time: start, To: assay.StageCanary}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func export(t *testing.T, s whole, experiment string) (all []assay.Kept) {
	t.Helper()
	err := s.Export(t.Context(), experiment, func(k assay.Kept) error {
		all = append(all, assay.Kept{Table: k.Table, Data: slices.Clone(k.Data)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// reading gives what was exported, and then err.
func reading(all []assay.Kept, err error) func() (assay.Kept, error) {
	return func() (assay.Kept, error) {
		if len(all) == 0 {
			return assay.Kept{}, err
		}
		k := all[0]
		all = all[1:]
		return k, nil
	}
}

func everythingMoves(t *testing.T, from, to whole) {
	fill(t, from)
	lines := export(t, from, "")
	if err := to.Import(t.Context(), reading(lines, io.EOF)); err != nil {
		t.Fatal(err)
	}
	sameExport(t, export(t, to, ""), lines)
	sameStores(t, from, to)
	late := Trials(32, 60) // both go on in the same way
	for _, s := range []whole{from, to} {
		if err := s.Keep(t.Context(), assay.Batch{Trials: late}); err != nil {
			t.Fatal(err)
		}
	}
	sameStores(t, from, to)
	keep(t, to, Trials(31, 260)[:1]...) // known as one that was kept
	if a, b := counts(t, from, Experiment, 1), counts(t, to, Experiment, 1); a.Trials != b.Trials {
		t.Errorf("a trial that was imported counts again: %d, then %d", a.Trials, b.Trials)
	}
}

func sameExport(t *testing.T, got, want []assay.Kept) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d things were exported again, of %d", len(got), len(want))
		return
	}
	for i := range want {
		if got[i].Table != want[i].Table || string(got[i].Data) != string(want[i].Data) {
			t.Errorf("exported again:\n%s %s\nwas\n%s %s", got[i].Table, got[i].Data, want[i].Table, want[i].Data)
			return
		}
	}
}

// sameStores compares what two stores answer.
func sameStores(t *testing.T, a, b whole) {
	t.Helper()
	for since := 1; since <= 2; since++ {
		same(t, a, b, func(s whole) (any, error) { return s.Counts(t.Context(), Experiment, since) })
		same(t, a, b, func(s whole) (any, error) { return s.Trend(t.Context(), Experiment, since, assay.MaxMinutes) })
		same(t, a, b, func(s whole) (any, error) { return s.Trend(t.Context(), Experiment, since, assay.FineMinutes) })
		same(t, a, b, func(s whole) (any, error) { return s.Course(t.Context(), Experiment, since) })
		same(t, a, b, func(s whole) (any, error) { return s.Excuses(t.Context(), Experiment, since) })
	}
	same(t, a, b, func(s whole) (any, error) { return s.Noise(t.Context(), Experiment) })
	same(t, a, b, func(s whole) (any, error) { return s.Clusters(t.Context(), Experiment) })
	same(t, a, b, func(s whole) (any, error) { return s.Marks(t.Context(), Experiment) })
	same(t, a, b, func(s whole) (any, error) { return s.Steps(t.Context(), Experiment) })
	same(t, a, b, func(s whole) (any, error) { return s.Standings(t.Context()) })
	same(t, a, b, func(s whole) (any, error) { return s.Load(t.Context()) })
	for _, q := range []assay.Query{{}, {Experiment: Experiment, Outcome: assay.OutcomeMismatch}, {Arm: "one", Path: "status"}} {
		q.Limit = 500
		same(t, a, b, func(s whole) (any, error) {
			page, err := s.Trials(t.Context(), q)
			return page.Trials, err
		})
	}
	same(t, a, b, func(s whole) (any, error) { return s.Trial(t.Context(), Trials(31, 3)[2].ID) })
}

func same(t *testing.T, a, b whole, ask func(whole) (any, error)) {
	t.Helper()
	want, err := ask(a)
	got, errB := ask(b)
	if err != nil || errB != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, %v\nwant\n%+v, %v", got, errB, want, err)
	}
}

func importIsWhole(t *testing.T, from, to whole) {
	fill(t, from)
	lines := export(t, from, "")
	broken := errors.New("the file is cut off")
	if err := to.Import(t.Context(), reading(lines, broken)); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
	wantCode(t, to.Import(t.Context(), reading([]assay.Kept{lines[0], {Table: "songs"}}, io.EOF)), assay.CodeInvalid)
	wantCode(t, to.Import(t.Context(), reading([]assay.Kept{lines[0], {Table: lines[0].Table, Data: []byte(`{"name": 7}`)}}, io.EOF)), assay.CodeInvalid)
	if left := export(t, to, ""); len(left) != 0 {
		t.Errorf("%d things were imported", len(left))
	}
	if err := to.Import(t.Context(), reading(lines, io.EOF)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, to.Import(t.Context(), reading(lines, io.EOF)), assay.CodeConflict)
	sameExport(t, export(t, to, ""), lines)
}

func oneMoves(t *testing.T, from, to whole) {
	fill(t, from)
	local := Trials(33, 5)
	for i := range local {
		local[i].Experiment, local[i].Time = "local", local[i].Time.Add(time.Hour)
	}
	keep(t, to, local...)
	if err := to.Import(t.Context(), reading(export(t, from, "another"), io.EOF)); err != nil {
		t.Fatal(err)
	}
	same(t, from, to, func(s whole) (any, error) { return s.Counts(t.Context(), "another", 1) })
	if n := counts(t, to, Experiment, 1).Trials + counts(t, to, "local", 1).Trials; n != 5 {
		t.Errorf("%d trials of others", n)
	}
}
