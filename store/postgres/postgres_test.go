package postgres

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/postgres/postgrestest"
	"github.com/assaylab/assay/store/sqlite"
	"github.com/assaylab/assay/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// schemas numbers the schemas of tests that share a server.
var schemas atomic.Int64

// empty opens a store in a schema of its own.
func empty(t testing.TB, server *postgrestest.Server, o Options) *Store {
	t.Helper()
	return open(t, fresh(server), o)
}

func fresh(server *postgrestest.Server) string {
	return fmt.Sprintf("%s?search_path=s%d", server.URL, schemas.Add(1))
}

func open(t testing.TB, url string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestContract(t *testing.T) {
	server := postgrestest.Start(t)
	storetest.Run(t, func(t *testing.T) assay.Store { return empty(t, server, Options{}) })
	storetest.RunReadings(t, func(t *testing.T) *Store { return empty(t, server, Options{}) })
	storetest.RunDefinitions(t, func(t *testing.T) assay.Definitions { return empty(t, server, Options{}) })
	storetest.RunOwnLimits(t, func(t *testing.T, now func() time.Time) *Store { return empty(t, server, Options{Now: now}) })
	storetest.RunRollouts(t, empty(t, server, Options{}))
	t.Run("archives", func(t *testing.T) { testArchives(t, server) })
	t.Run("shared", func(t *testing.T) { testShared(t, server) })
	t.Run("refused", func(t *testing.T) { testRefused(t, server) })
	t.Run("text that is none", func(t *testing.T) { testText(t, empty(t, server, Options{})) })
	t.Run("old days go", func(t *testing.T) { testPrune(t, server) })
	t.Run("schemas are made once", func(t *testing.T) { testMigration(t, server) })
	t.Run("space of old trials is booked", func(t *testing.T) { testSpace(t, server) })
	t.Run("it comes back", func(t *testing.T) { testOutage(t, server) }) // the last: it stops the server
}

// testArchives moves everything from here to the embedded store, and from there to here.
func testArchives(t *testing.T, server *postgrestest.Server) {
	here := func(t *testing.T) *Store { return empty(t, server, Options{}) }
	embedded := func(t *testing.T) *sqlite.Store {
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "assay.db"), sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	t.Run("to_embedded", func(t *testing.T) { storetest.RunArchives(t, here, embedded) })
	t.Run("from_embedded", func(t *testing.T) { storetest.RunArchives(t, embedded, here) })
}

// testShared has two laboratories keep the same trials at the same time: each counts once, and counts and blocks are
// those of the trials in the order of seq.
func testShared(t *testing.T, server *postgrestest.Server) {
	address := fresh(server)
	a, b := open(t, address, Options{}), open(t, address, Options{})
	trials := storetest.Trials(7, 200)
	var both sync.WaitGroup
	for _, s := range []*Store{a, b} {
		both.Go(func() {
			for i := 0; i < len(trials); i += 20 {
				if err := s.Keep(t.Context(), assay.Batch{Trials: trials[i : i+20]}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	got := counts(t, a)
	alone := empty(t, server, Options{})
	if err := alone.Keep(t.Context(), assay.Batch{Trials: inOrder(t, a)}); err != nil {
		t.Fatal(err)
	}
	if want := counts(t, alone); got.Trials != 200 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("two counted\n%+v\none counts\n%+v", got, want)
	}
}

// inOrder reads all trials back in the order in which they were kept.
func inOrder(t *testing.T, s *Store) (all []assay.Trial) {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), `SELECT id FROM trials ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		trial, err := s.Trial(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *trial)
	}
	return all
}

func counts(t *testing.T, s *Store) assay.Counts {
	t.Helper()
	c, err := s.Counts(t.Context(), storetest.Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testRefused(t *testing.T, server *postgrestest.Server) {
	s := empty(t, server, Options{})
	newer := fresh(server)
	n := open(t, newer, Options{})
	if _, err := n.pool.Exec(t.Context(), `UPDATE assay_version SET version = 999`); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		url, what string
		code      assay.ErrorCode
	}{
		{newer, "newer Assay: its schema has version 999", assay.CodeInvalid},
		{"postgres://ann:secret@" + at.Host + "/nowhere", "database", assay.CodeInvalid},
		{"postgres://ann:secret@127.0.0.1:1/x", "cannot be opened", assay.CodeUnreachable},
		{"postgres://ann:secret@[/x", "not one of a PostgreSQL database", assay.CodeInvalid},
		{"postgres://ann:secret@127.0.0.1:port/x?secret", "not one of a PostgreSQL database", assay.CodeInvalid},
	} {
		_, err := Open(t.Context(), c.url, Options{})
		var made *assay.Error
		if !errors.As(err, &made) || made.Code != c.code || !strings.Contains(made.What, c.what) || made.Hint == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error is %v, want %s and %q", c.url, err, c.code, c.what)
		}
	}
	if _, err := s.Counts(t.Context(), storetest.Experiment, 1); err != nil {
		t.Error(err)
	}
}

// testText keeps what PostgreSQL takes in no text.
func testText(t *testing.T, s *Store) {
	trials := storetest.Trials(1, 2)
	trials[0].Candidates[0].Differences = []assay.Difference{{Path: "body:$['\x00\xff']", Kind: assay.KindValue, Control: "\x00", Candidate: "\xff"}}
	trials[0].ID = "a\x00\xffb"
	for range 2 {
		if err := s.Keep(t.Context(), assay.Batch{Trials: trials}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Trial(t.Context(), trials[0].ID); err != nil || counts(t, s).Trials != 2 {
		t.Errorf("%d trials, %v", counts(t, s).Trials, err)
	}
}

// testPrune lets days go that are too old, and then those that are too much.
func testPrune(t *testing.T, server *postgrestest.Server) {
	var log strings.Builder
	address := fresh(server)
	trials := storetest.Trials(1, 40)
	for i := range trials {
		trials[i].Time = trials[i].Time.Add(time.Duration(i/10) * 24 * time.Hour) // four days
	}
	now := trials[39].Time
	s := open(t, address, Options{MaxAge: 24 * time.Hour, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	keep(t, s, trials...)
	found := func(i int) bool { _, err := s.Trial(t.Context(), trials[i].ID); return err == nil }
	if found(0) || found(11) || !found(25) || !found(39) {
		t.Errorf("found are %v %v %v %v of four days", found(0), found(11), found(25), found(39))
	}
	if n := strings.Count(log.String(), "a day of them went"); n != 2 {
		t.Errorf("said %d times: %s", n, log.String())
	}
	s = open(t, address, Options{MaxBytes: 1, Now: func() time.Time { return now.Add(time.Hour) }})
	keep(t, s, trials...) // none is new
	if found(25) || !found(39) || counts(t, s).Trials != 40 {
		t.Errorf("the third day is there: %v; the last: %v; counted %d", found(25), found(39), counts(t, s).Trials)
	}
	late := storetest.Trials(2, 1) // of a day that went
	keep(t, s, late...)
	if page, err := s.Trials(t.Context(), assay.Query{Limit: 500}); err != nil || len(page.Trials) != 11 {
		t.Errorf("%d trials are listed, %v", len(page.Trials), err)
	}
}

func keep(t testing.TB, s *Store, trials ...assay.Trial) {
	t.Helper()
	if err := s.Keep(t.Context(), assay.Batch{Trials: trials}); err != nil {
		t.Fatal(err)
	}
}

// testSpace has the space booked of trials that were kept before experiments could have limits of their own.
func testSpace(t *testing.T, server *postgrestest.Server) {
	address := fresh(server)
	booked := func(s *Store) (bytes int64) {
		if err := s.pool.QueryRow(t.Context(), `SELECT sum(bytes) FROM space`).Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	s := open(t, address, Options{})
	keep(t, s, storetest.Trials(1, 50)...)
	before := booked(s)
	if _, err := s.pool.Exec(t.Context(), `DROP TABLE tens; DROP TABLE strata; DROP TABLE space; UPDATE assay_version SET version = 2`); err != nil {
		t.Fatal(err)
	}
	if after := booked(open(t, address, Options{})); after != before {
		t.Errorf("booked are %d bytes, and %d when the schema was brought up to date", before, after)
	}
}

// testMigration opens a new schema many times at once.
func testMigration(t *testing.T, server *postgrestest.Server) {
	address := fresh(server)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			s, err := Open(t.Context(), address, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Keep(t.Context(), assay.Batch{Trials: storetest.Trials(1, 5)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := counts(t, open(t, address, Options{})).Trials; n != 5 {
		t.Errorf("counted %d", n)
	}
}

// testOutage stops the server while trials are kept, and starts it again: what was not kept is kept when it is tried
// again, and all counts once.
func testOutage(t *testing.T, server *postgrestest.Server) {
	s := empty(t, server, Options{})
	trials := storetest.Trials(3, 300)
	failed := 0
	for i := 0; i < len(trials); i += 10 {
		switch i {
		case 100:
			server.Stop()
		case 200:
			server.Kill()
		}
		err := s.Keep(t.Context(), assay.Batch{Trials: trials[i : i+10]})
		if err == nil {
			continue
		}
		var made *assay.Error
		if failed++; !errors.As(err, &made) || made.Code != assay.CodeUnreachable {
			t.Fatalf("error is %v", err)
		}
		server.Start(t)
		keep(t, s, trials[i:i+10]...)
	}
	if n := counts(t, s).Trials; n != 300 || failed != 2 {
		t.Errorf("counted %d, failed %d times", n, failed)
	}
}
