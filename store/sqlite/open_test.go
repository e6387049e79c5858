package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/storetest"
)

func TestOpenMakesFoldersAndAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b c?#%41", "assay.db")
	open(t, path, Options{})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v", info.Mode())
	}
}

func TestOpenRefusesWhatIsNotAStore(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		what string
	}{
		{"text", func(t *testing.T, path string) { write(t, path, strings.Repeat("not a database\n", 100)) }, "not a SQLite database"},
		{"folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "cannot be opened"},
		{"another program's", func(t *testing.T, path string) { run(t, path, "CREATE TABLE songs (name TEXT)") }, "another program"},
		{"newer", func(t *testing.T, path string) {
			run(t, path, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 999; CREATE TABLE later (a)", applicationID))
		}, "newer Assay: its schema has version 999"},
		{"damaged", func(t *testing.T, path string) {
			run(t, path, "CREATE TABLE songs (name TEXT)")
			damage(t, path)
		}, "is damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "assay.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			s, err := Open(t.Context(), path, Options{})
			var made *assay.Error
			if s != nil || !errors.As(err, &made) || made.Code != assay.CodeInvalid || made.Where != path || made.Hint == "" || !strings.Contains(made.What, c.what) {
				t.Errorf("error is %v, want one of %q", err, c.what)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenUnderAFileFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	_, err := Open(t.Context(), filepath.Join(file, "assay.db"), Options{})
	var made *assay.Error
	if !errors.As(err, &made) {
		t.Errorf("error is %v", err)
	}
}

// damage overwrites the schema on the first page, and leaves the file's header alone.
func damage(t *testing.T, path string) {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("\xff", 4096-100)), 100); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run has another program write a database.
func run(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	trials := storetest.Trials(1, 40)
	batch := assay.Batch{Trials: trials, Ledgers: []assay.Ledger{{Experiment: storetest.Experiment, Since: 1, Requests: 50, Offered: 50, Sampled: 45}}}
	definition := assay.Experiment{Name: storetest.Experiment, Version: 3, Since: 1}
	s := open(t, path, Options{})
	if err := errors.Join(s.Keep(t.Context(), batch), s.Save(t.Context(), definition)); err != nil {
		t.Fatal(err)
	}
	before, err := s.Counts(t.Context(), storetest.Experiment, 1)
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the write-ahead log is still there: %v", err)
	}

	s = open(t, path, Options{})
	after, err := s.Counts(t.Context(), storetest.Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(before) != fmt.Sprint(after) || after.InFlight() != 5 {
		t.Errorf("counts were\n%+v and are\n%+v", before, after)
	}
	if _, err := s.Trial(t.Context(), trials[17].ID); err != nil {
		t.Error(err)
	}
	if all, err := s.Load(t.Context()); err != nil || len(all) != 1 || all[0].Version != 3 {
		t.Errorf("definitions %+v, %v", all, err)
	}
}

func TestACanceledCallKeepsNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "assay.db"), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s.opt.MaxAge, s.opt.Now = 1, func() time.Time { cancel(); return time.Now() } // within the transaction
	if err := s.Keep(ctx, assay.Batch{Trials: storetest.Trials(1, 10)}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if n := countTrials(t, s); n != 0 {
		t.Errorf("%d trials", n)
	}
	keep(t, s, storetest.Trials(1, 10)...)
	if n := countTrials(t, s); n != 10 {
		t.Errorf("%d trials", n)
	}
}

func TestAFullDiskFailsTheBatchAlone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "assay.db"), Options{})
	keep(t, s, storetest.Trials(1, 10)...)
	limit(t, s, 60)
	err := s.Keep(t.Context(), assay.Batch{Trials: storetest.Trials(2, 500)})
	var made *assay.Error
	if !errors.As(err, &made) || !strings.Contains(made.What, "disk is full") {
		t.Fatalf("error is %v", err)
	}
	if n := countTrials(t, s); n != 10 {
		t.Errorf("%d trials", n)
	}
	limit(t, s, 1<<30)
	keep(t, s, storetest.Trials(2, 500)...)
	if n := countTrials(t, s); n != 510 {
		t.Errorf("%d trials once there is room", n)
	}
}

// limit lets the file grow to so many pages.
func limit(t *testing.T, s *Store, pages int) {
	t.Helper()
	if _, err := s.writer.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
}

func keep(t testing.TB, s *Store, trials ...assay.Trial) {
	t.Helper()
	if err := s.Keep(t.Context(), assay.Batch{Trials: trials}); err != nil {
		t.Fatal(err)
	}
}

func countTrials(t *testing.T, s *Store) int64 {
	t.Helper()
	c, err := s.Counts(t.Context(), storetest.Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	return c.Trials
}

// A store of the first version is brought up to date and goes on counting.
func TestOldSchemaIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	run(t, path, schema+fmt.Sprintf("; PRAGMA application_id = %d; PRAGMA user_version = 1;", applicationID)+
		`INSERT INTO arms (experiment, since, role, name, faults, latency, observations, cold, max_memory_mb, cost_usd, cost_squares, priced,
			trials, matches, mismatches, ignored, paired, candidate_only, secondary_only, both)
		VALUES ('rounding', 1, 'candidate', 'one', '{}', x'00', 5, 1, 0, 0, 0, 0, 5, 5, 0, 0, 0, 0, 0, 0);
		INSERT INTO evidence (experiment, since, trials, first, last, requests, offered, sampled, not_sampled, dropped)
		VALUES ('rounding', 1, 5, 1, 2, 20, 20, 8, '{"chance":12}', '{"memory":2}')`)
	s := open(t, path, Options{})
	keep(t, s, storetest.Trials(1, 30)...)
	c, err := s.Counts(t.Context(), storetest.Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	if a := c.Arm(assay.RoleCandidate, "one"); a.Trials != 35 || a.WarmPairs == 0 || a.Blocks[assay.MeasureP50].Pairs == 0 {
		t.Errorf("counted %+v", a)
	}
	if l := c.Of(""); l.Requests != 20 || l.NotSampled["chance"] != 12 || l.Dropped["memory"] != 2 || l.Handed != 5 || l.Unsettled() != 1 {
		t.Errorf("the ledger is now %+v, want one of which 5 trials were kept and 1 was in flight", l)
	}
}

// What trials take that were kept before experiments could have limits of their own is known as well.
func TestSpaceOfAnOldFileIsBooked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	s, err := Open(t.Context(), path, Options{MaxBytes: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s, storetest.Trials(1, 300)...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, path, `DROP TABLE tens; DROP TABLE strata; DROP TABLE rest; DROP TRIGGER rest_goes; DROP TABLE space; DROP INDEX remembered; ALTER TABLE trials DROP COLUMN experiment; PRAGMA user_version = 8`)
	s = open(t, path, Options{MaxBytes: 100_000})
	if u := sameUsage(t, s); u.trialsTo == 0 {
		t.Errorf("nothing went: %+v", u)
	}
	keep(t, s, storetest.Trials(2, 100)...)
	sameUsage(t, s)
}

// Minutes that were kept before they were put together are by the first start that knows how.
func TestMinutesOfAnOldFileArePutTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	week := func(s *Store) []assay.Minute {
		trend, err := s.Trend(t.Context(), storetest.Experiment, 1, assay.MaxMinutes)
		if err != nil {
			t.Fatal(err)
		}
		return trend
	}
	s := open(t, path, Options{})
	keep(t, s, storetest.Trials(1, 2000)...)
	want := week(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	run(t, path, `DROP TABLE tens; PRAGMA user_version = 11`)
	s = open(t, path, Options{})
	if got := week(s); len(want) < 8 || !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
