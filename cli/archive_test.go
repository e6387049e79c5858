package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/store/postgres/postgrestest"
)

// TestExportsMoveVerdicts moves an experiment from the embedded store to PostgreSQL and back: the verdict's bytes
// stay the same, by a laboratory that runs and by the store alone.
func TestExportsMoveVerdicts(t *testing.T) {
	t.Parallel()
	control, other := serveText(t, "control"), serveText(t, "candidate")
	dir := t.TempDir()
	file := write(t, dir+"/assay.yaml", fmt.Sprintf("experiments:\n  base:\n    path: base/*\n    secondary: 50%%\n    control: {url: %q}\n    candidates: {same: {url: %q}, other: {url: %q}}\n", control.URL, control.URL, other.URL))
	a := startLab(t, dir+"/a", "-f", file)
	for range 60 {
		if _, err := send(t.Context(), "GET", a.gateway+"/base/x", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	a.settled("base")
	want := verdictOf(t, a)
	if !strings.Contains(want, "refuted") {
		t.Fatalf("the verdict is %s", want)
	}
	packed := filepath.Join(dir, "base.jsonl.zst")
	a.must("export", "base", "-o", packed)
	if out, errs, code := a.assay("import", packed); code != process.Usage || !strings.Contains(errs, "of that name already") {
		t.Errorf("imported again: %s %s", out, errs)
	}

	b := startLab(t, dir+"/b", "--store", postgrestest.Start(t).URL)
	if out := b.must("import", packed); out != "experiment/base imported\n" {
		t.Errorf("import says %q", out)
	}
	if got := verdictOf(t, b); got != want {
		t.Errorf("on PostgreSQL the verdict is\n%s\nit was\n%s", got, want)
	}
	plain := filepath.Join(dir, "all.jsonl")
	b.must("export", "-o", plain)

	refused(t, a, dir, plain)
	for _, args := range [][]string{{"import", "--data", dir + "/c", plain}, {"export", "--data", dir + "/c", "-o", dir + "/again.jsonl"}} {
		if out, errs, code := a.assay(args...); code != 0 {
			t.Fatalf("%v: %s %s", args, out, errs)
		}
	}
	if !bytes.Equal(mustRead(t, dir+"/again.jsonl"), mustRead(t, plain)) {
		t.Error("the export of what was imported is another")
	}
	c := startLab(t, dir+"/c")
	if got := verdictOf(t, c); got != want {
		t.Errorf("back in a file the verdict is\n%s\nit was\n%s", got, want)
	}
}

// verdictOf is the verdict without what the lane does at the moment.
func verdictOf(t *testing.T, l *lab) string {
	t.Helper()
	out, errs, _ := l.assay("verdict", "base", "-o", "json")
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("%v: %s %s", err, out, errs)
	}
	delete(all, "lane")
	delete(all, "overhead")
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// refused changes an export, and cuts it off: neither is imported, and each is told with its line.
func refused(t *testing.T, l *lab, dir, whole string) {
	t.Helper()
	text := string(mustRead(t, whole))
	lines := strings.SplitAfter(text, "\n")
	for name, c := range map[string]struct{ text, where string }{
		"changed": {strings.Replace(text, `"mismatches":`, `"mismatches": `, 1), "changed.jsonl:"},
		"cut":     {text[:len(text)-200], fmt.Sprintf("cut.jsonl:%d", len(lines)-2)},
	} {
		path := filepath.Join(dir, name+".jsonl")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"import", path}, {"import", "--data", dir + "/empty", path}} {
			if _, errs, code := l.assay(args...); code != process.Usage || !strings.Contains(errs, c.where) {
				t.Errorf("%v: exit %d, %s, want it at %s", args, code, errs, c.where)
			}
		}
	}
}
