package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay/process"
)

// TestReadingScript runs the tour of reading differences on the examples, as anyone would.
func TestReadingScript(t *testing.T) {
	t.Parallel()
	needs(t, "bash", "node", "npm", "python3", "go", "curl")
	cmd := exec.CommandContext(t.Context(), "../scripts/reading")
	cmd.Env = append(os.Environ(), "ASSAY="+assayBinary(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestAcceptedRulesOutliveAChangeOfTheFile: they are the laboratory's own until they are removed.
func TestAcceptedRulesOutliveAChangeOfTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "assay.yaml"), ruled("10%"))
	l := startLab(t, filepath.Join(dir, "data"), "-f", file, "--watch=false")
	l.must("rules", "accept", "e", "--path", "body:$.id", "--class", "uuid", "--owner", "ann", "--expires", "2099-01-01")
	before := l.experiment("e")
	if out := l.must("rules", "e"); !strings.Contains(out, "body:$.id") || !strings.Contains(out, "body:$.own") || before.Since != before.Version {
		t.Errorf("accepted, but not in force with new evidence: %+v\n%s", before, out)
	}
	write(t, file, ruled("20%"))
	l.must("apply", "-f", file)
	after := l.experiment("e")
	if out := l.must("rules", "e"); !strings.Contains(out, "body:$.id") || after.Sample != 0.2 || after.Since != before.Since {
		t.Errorf("gone with a change of the file: %+v\n%s", after, out)
	}
	id := strings.Fields(l.must("rules", "e"))[8+8] // of the second rule
	l.must("rules", "remove", "e", id)
	if out := l.must("rules", "e"); strings.Contains(out, "body:$.id") {
		t.Errorf("removed, and still in force:\n%s", out)
	}
	for _, args := range [][]string{
		{"rules", "accept", "e", "--path", "body:$.id", "--class", "uuid", "--owner", "ann", "--expires", "2001-01-01"},
		{"rules", "accept", "e", "--path", "body:$.id", "--class", "colour", "--owner", "ann", "--expires", "2099-01-01"},
		{"rules", "accept", "e", "00000000", "--owner", "ann", "--expires", "2099-01-01"},
		{"rules", "remove", "e", "00000000"}, {"rules", "reject", "e", "00000000"}, {"rules", "nobody"},
		{"clusters", "e", "000000000000", "--state", "fixed"}, {"clusters", "e", "000000000000", "--state", "gone"}, {"clusters", "nobody"}, {"drift", "nobody"},
		{"reproduce", "000000000000"}, {"replay", "e"}, {"replay", "e", "--rules", "missing.yaml"},
	} {
		if out, errs, code := l.assay(args...); code != process.Usage || errs == "" {
			t.Errorf("%s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
		}
	}
}

func ruled(sample string) string {
	return `experiments:
  e:
    path: /e
    sample: ` + sample + `
    control: {url: "http://127.0.0.1:1"}
    candidates: {c: {url: "http://127.0.0.1:1"}}
    rules:
      - {path: "body:$.own", class: counter, owner: file, expires: 2099-01-01}
`
}
