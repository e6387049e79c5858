package machine

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

func found(r *Report, what string) Finding {
	i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.What == what })
	if i < 0 {
		return Finding{}
	}
	return r.Findings[i]
}

func TestExamine(t *testing.T) {
	dir := t.TempDir()
	known := &assay.Enforced{Memory: true, Reasons: map[string]string{"network": "no namespaces"}}
	r, err := Examine(t.Context(), filepath.Join(dir, "not", "there", "yet"), known)
	if err != nil {
		t.Fatal(err)
	}
	if r.Cores < 1 || r.MemoryMB == 0 || !strings.Contains(r.System, "/") {
		t.Errorf("%+v", r)
	}
	if f := found(r, "data folder"); f.State == Wrong || !strings.Contains(f.Says, "GB free") {
		t.Errorf("%+v", f)
	}
	if f := found(r, "sandbox memory"); f.State != Good {
		t.Errorf("%+v", f)
	}
	if f := found(r, "sandbox network"); f.State != Lacking || !strings.Contains(f.Says, "no namespaces") || f.Hint == "" {
		t.Errorf("%+v", f)
	}
	if f := found(r, "tool go"); f.State != Good {
		t.Errorf("%+v", f)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err = Examine(t.Context(), filepath.Join(file, "data"), known)
	if err != nil || found(r, "data folder").State != Wrong {
		t.Errorf("%+v, %v", r, err)
	}
}
