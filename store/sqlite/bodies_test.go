package sqlite

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/storetest"
)

// Large bodies lie in pieces, are whole when they are read and exported, and go with their trials.
func TestLargeBodies(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "assay.db"), Options{MaxBytes: 4 << 20})
	large := storetest.Trials(1, 1)[0]
	for i, n := range []int{pieceSize, 3*pieceSize + 1, 5} {
		body := bytes.Repeat([]byte{byte('a' + i)}, n)
		switch i {
		case 0:
			large.Invocation.Request.Body = body
		case 1:
			large.Control.Body = body
		default:
			large.Candidates[0].Observation.Body = body
		}
	}
	keep(t, s, large)
	same := func(got *assay.Trial) {
		t.Helper()
		if !bytes.Equal(got.Invocation.Request.Body, large.Invocation.Request.Body) || !bytes.Equal(got.Control.Body, large.Control.Body) ||
			string(got.Candidates[0].Observation.Body) != "ccccc" {
			t.Error("the bodies are not what they were")
		}
	}
	got, err := s.Trial(t.Context(), large.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(got)
	err = s.Export(t.Context(), "", func(k assay.Kept) error {
		if k.Table != assay.KeptTrial {
			return nil
		}
		var exported assay.Trial
		err := json.Unmarshal(k.Data, &exported)
		same(&exported)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for seed := uint64(2); seed < 12; seed++ {
		keep(t, s, storetest.Trials(seed, 200)...)
	}
	var left int
	if err := s.reader.QueryRow(`SELECT count(*) FROM rest`).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d pieces are left, %v", left, err)
	}
}
