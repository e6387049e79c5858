package sqlite

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/storetest"
)

func TestPruningTakesBodiesOfMatchesThenTheOldestTrials(t *testing.T) {
	var log strings.Builder
	const limit = 200_000
	s := open(t, filepath.Join(t.TempDir(), "assay.db"), Options{MaxBytes: limit, Log: slog.New(slog.NewTextHandler(&log, nil))})
	trials := storetest.Trials(1, 600)
	bodiless := 0 // at the first time that whole trials go
	for batch := range slices.Chunk(trials, 50) {
		keep(t, s, batch...)
		u := sameUsage(t, s)
		if u.bytes > limit {
			t.Fatalf("%d bytes are kept, %d may be", u.bytes, limit)
		}
		if u.trialsTo > 0 && bodiless == 0 {
			bodiless = int(u.bodiesTo)
			if u.matches > limit/matchShare {
				t.Errorf("trials go while matches have %d bytes of bodies", u.matches)
			}
		}
	}
	if bodiless == 0 {
		t.Fatal("no trial went")
	}
	if c := countTrials(t, s); c != 600 {
		t.Errorf("counted %d", c)
	}
	if n := strings.Count(log.String(), "old trials made room"); n != 1 {
		t.Errorf("said %d times that it is full", n)
	}
	aged(t, s, trials)
}

// aged checks that trials are gone up to some age, matches then have no bodies up to another, and the
// newest are whole.
func aged(t *testing.T, s *Store, trials []assay.Trial) {
	t.Helper()
	u := sameUsage(t, s)
	for i := range trials {
		want, seq := &trials[i], int64(i+1)
		got, err := s.Trial(t.Context(), want.ID)
		var made *assay.Error
		switch {
		case seq <= u.trialsTo:
			if !errors.As(err, &made) || made.Code != assay.CodeNotFound {
				t.Fatalf("trial %d: %v", seq, err)
			}
		case err != nil:
			t.Fatalf("trial %d: %v", seq, err)
		case seq <= u.bodiesTo && want.Outcome() == assay.OutcomeMatch:
			if got.Bodies || got.Control.Body != nil {
				t.Fatalf("match %d still has bodies", seq)
			}
		case !got.Bodies || got.Control.Body == nil:
			t.Fatalf("trial %d, a %s, has no bodies", seq, want.Outcome())
		}
	}
	page, err := s.Trials(t.Context(), assay.Query{Limit: 500})
	for err == nil && page.Next != "" {
		var next assay.Page
		next, err = s.Trials(t.Context(), assay.Query{Limit: 500, Cursor: page.Next})
		page.Trials, page.Next = append(page.Trials, next.Trials...), next.Next
	}
	if want := len(trials) - int(u.trialsTo); err != nil || len(page.Trials) != want {
		t.Errorf("%d trials are listed, want %d: %v", len(page.Trials), want, err)
	}
}

// sameUsage returns what is booked as used, after comparing it with the rows.
func sameUsage(t *testing.T, s *Store) usage {
	t.Helper()
	var u, rows usage
	var space int64
	err := s.reader.QueryRow(`SELECT bytes, matches, bodies_to, trials_to,
		(SELECT sum(size + bodies) FROM trials), (SELECT sum(bodies) FROM trials WHERE outcome = 'match'), (SELECT sum(bytes) FROM space) FROM usage`).
		Scan(&u.bytes, &u.matches, &u.bodiesTo, &u.trialsTo, &rows.bytes, &rows.matches, &space)
	if err != nil {
		t.Fatal(err)
	}
	if u.bytes != rows.bytes || u.matches != rows.matches || space != rows.bytes {
		t.Errorf("booked are %d bytes, %d of them of matches, and %d minute by minute; the rows have %d and %d", u.bytes, u.matches, space, rows.bytes, rows.matches)
	}
	return u
}

func TestPrunedTrialsDoNotCountAgain(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "assay.db"), Options{MaxBytes: 100_000})
	trials := storetest.Trials(1, 300)
	keep(t, s, trials...)
	if u := sameUsage(t, s); u.trialsTo < 100 {
		t.Fatalf("only %d trials went", u.trialsTo)
	}
	keep(t, s, trials...)
	if n := countTrials(t, s); n != 300 {
		t.Errorf("300 trials kept twice count as %d", n)
	}
}

func TestALowerLimitIsReachedInSteps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	s := open(t, path, Options{})
	trials := storetest.Trials(1, 2000)
	keep(t, s, trials...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, Options{MaxBytes: 50_000})
	for _, late := range storetest.Trials(2, 3) {
		keep(t, s, late)
	}
	if u := sameUsage(t, s); u.bytes > 50_000 {
		t.Errorf("%d bytes are left", u.bytes)
	}
}

func TestOldTrialsGo(t *testing.T) {
	trials := storetest.Trials(1, 300) // one a second
	now := trials[299].Time
	s := open(t, filepath.Join(t.TempDir(), "assay.db"), Options{MaxAge: 100 * time.Second, Now: func() time.Time { return now }})
	for batch := range slices.Chunk(trials, 50) {
		keep(t, s, batch...)
	}
	if u := sameUsage(t, s); u.trialsTo != 199 || countTrials(t, s) != 300 {
		t.Errorf("trials went up to %d, counted are %d", u.trialsTo, countTrials(t, s))
	}
	aged(t, s, trials)
}

func TestSpaceIsGivenBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	s := open(t, path, Options{})
	keep(t, s, storetest.Trials(1, 2000)...)
	pages := func() (all, free int) {
		if err := s.reader.QueryRow(`SELECT (SELECT page_count FROM pragma_page_count), (SELECT freelist_count FROM pragma_freelist_count)`).Scan(&all, &free); err != nil {
			t.Fatal(err)
		}
		return all, free
	}
	before, _ := pages()
	s.opt.MaxBytes = 50_000
	for _, late := range storetest.Trials(2, 20) {
		keep(t, s, late)
	}
	if after, free := pages(); free > before/spare || after > before*2/3 {
		t.Errorf("the file has %d pages of %d, %d free", after, before, free)
	}
}
