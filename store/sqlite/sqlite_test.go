package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) assay.Store { return open(t, filepath.Join(t.TempDir(), "assay.db"), Options{}) })
	storetest.RunReadings(t, func(t *testing.T) *Store { return open(t, filepath.Join(t.TempDir(), "assay.db"), Options{}) })
	storetest.RunDefinitions(t, func(t *testing.T) assay.Definitions {
		return open(t, filepath.Join(t.TempDir(), "assay.db"), Options{})
	})
	storetest.RunOwnLimits(t, func(t *testing.T, now func() time.Time) *Store {
		return open(t, filepath.Join(t.TempDir(), "assay.db"), Options{Now: now})
	})
	fresh := func(t *testing.T) *Store { return open(t, filepath.Join(t.TempDir(), "assay.db"), Options{}) }
	storetest.RunArchives(t, fresh, fresh)
	storetest.RunRollouts(t, open(t, filepath.Join(t.TempDir(), "assay.db"), Options{}))
}

func open(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
