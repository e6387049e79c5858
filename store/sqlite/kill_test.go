package sqlite

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/storetest"
)

// victim names the file in which a copy of the test program keeps trials until it is killed.
const victim = "ASSAY_TEST_VICTIM"

// The victim keeps trials in batches of this size, and is killed after so many.
const (
	victimBatch   = 10
	victimBatches = 15
)

// TestKillLosesNothingAcknowledged kills a process that keeps trials, several times on the same file.
// The trials it said were kept must be there, and all counts must agree with each other.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if path := os.Getenv(victim); path != "" {
		keepForEver(t, path)
	}
	path := filepath.Join(t.TempDir(), "assay.db")
	var acknowledged []string
	for range 3 {
		acknowledged = append(acknowledged, keepUntilKilled(t, path)...)
	}
	s := open(t, path, Options{})
	for _, id := range acknowledged {
		if _, err := s.Trial(t.Context(), id); err != nil {
			t.Fatalf("a trial that was kept: %v", err)
		}
	}
	agree(t, s, int64(len(acknowledged)))
}

// agree checks every count against the rows.
func agree(t *testing.T, s *Store, least int64) {
	t.Helper()
	var rows, marks int64
	err := s.reader.QueryRow(`SELECT (SELECT count(*) FROM trials), (SELECT count(DISTINCT seq) FROM marks)`).Scan(&rows, &marks)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Counts(t.Context(), storetest.Experiment, 1)
	if err != nil {
		t.Fatal(err)
	}
	one, control := c.Arm(assay.RoleCandidate, "one"), c.Arm(assay.RoleControl, "control")
	if rows < least || marks != rows || c.Trials != rows || one.Trials != rows || control.Observations != rows {
		t.Errorf("%d trials acknowledged, %d rows, %d marked, counted %d, of the candidate %d, of the control %d",
			least, rows, marks, c.Trials, one.Trials, control.Observations)
	}
	if c.Sampled != rows || c.InFlight() != 0 {
		t.Errorf("the ledger says %d sampled of %d, %d in flight", c.Sampled, rows, c.InFlight())
	}
	var state string
	if err := s.reader.QueryRow(`PRAGMA integrity_check`).Scan(&state); err != nil || state != "ok" {
		t.Errorf("integrity: %s, %v", state, err)
	}
}

// keepUntilKilled returns the ids of the trials the victim said were kept.
func keepUntilKilled(t *testing.T, path string) (ids []string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKillLosesNothingAcknowledged$")
	child.Env = append(os.Environ(), victim+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		seed, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			t.Errorf("the victim says %q", lines.Text())
		}
		for _, trial := range storetest.Trials(seed, victimBatch) {
			ids = append(ids, trial.ID)
		}
		if len(ids) == victimBatches*victimBatch { // it is at the next batch; what it said meanwhile is read on
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = child.Wait() // killed
	return ids
}

// keepForEver keeps batches with their ledger and prints the seed of each one kept.
func keepForEver(t *testing.T, path string) {
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for seed := countTrials(t, s)/victimBatch + 1; ; seed++ {
		batch := assay.Batch{
			Trials:  storetest.Trials(uint64(seed), victimBatch),
			Ledgers: []assay.Ledger{{Experiment: storetest.Experiment, Since: 1, Sampled: seed * victimBatch}},
		}
		if err := s.Keep(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		fmt.Println(seed)
	}
}
