package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assaylab/assay/process"
)

// A candidate that hangs in one call of fifty, and answers right otherwise, is refuted for its time-outs; and
// the verdict is the same to the byte after a restart.
func TestTimeoutsRefute(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	candidate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1)%50 == 0 {
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, "good")
	}))
	t.Cleanup(candidate.Close)
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "assay.yaml"), fmt.Sprintf(`experiments:
  slow:
    path: /slow
    budget: {timeout: 1s}
    control: {url: %q}
    candidates: {hanging: {url: %q}}
    hypothesis: {mismatch: "<= 0.1%%", faults: "<= 0.5%%"}
`, serveText(t, "good").URL, candidate.URL))
	l := startLab(t, dir, "-f", file)
	before := l.must("describe", "slow")
	if !strings.Contains(before, "trials needed: about ") {
		t.Errorf("before the first trial nobody says how many it takes:\n%s", before)
	}
	for range 600 {
		if got, err := send(t.Context(), "GET", l.gateway+"/slow", nil, nil); err != nil || got.body != "good" {
			t.Fatalf("a client was disturbed: %v %+v", err, got)
		}
	}
	l.settled("slow")
	told := toldToCI(t, l, file)
	for name, want := range map[string]string{
		"summary.md": "before\n## ❌ slow: refuted", "verdict.xml": `<testcase name="faults &lt;= 0.5%" classname="slow.hanging"`,
		"verdict.sarif": `"startLine": 6`, "stderr": "::error file=" + file + ",line=6,title=slow%3A hanging is refuted::",
	} {
		if !strings.Contains(told[name], want) {
			t.Errorf("%s lacks %q:\n%s", name, want, told[name])
		}
	}
	for words, want := range map[string]string{
		"verdict ": "slow\n:4\n", "describe ": "slow\n:4\n", "verdict --output ": "table\njson\nyaml\n:4\n", "up --log-level ": "debug\ninfo\nwarn\nerror\n:4\n",
		"verdict --console 127.0.0.1:1 ": ":4\n", // no list of files instead
	} {
		complete := exec.Command(assayBinary(t), append([]string{"__complete"}, strings.Split(words, " ")...)...)
		complete.Env = append(os.Environ(), "ASSAY_CONSOLE="+l.console)
		if out, err := complete.Output(); err != nil || string(out) != want {
			t.Errorf("the shell completes %q: %q, %v", words, out, err)
		}
	}
	if out := l.must("top"); !strings.Contains(out, "slow ") || !strings.Contains(out, "98% match") {
		t.Errorf("assay top into a pipe:\n%s", out)
	}
	out, _, code := l.assay("verdict", "slow")
	for _, want := range []string{"mismatches are faults, the candidate's: timeout 12", "12 of 600 trials fault", "  faults <= 0.5%    refuted  2%", "assumed: ", "not seen: no cold start"} {
		if !strings.Contains(out, want) {
			t.Errorf("the verdict lacks %q:\n%s", want, out)
		}
	}
	if code != process.Refuted {
		t.Errorf("exit code %d", code)
	}
	first := rawVerdict(t, l, "slow")
	l.stop()
	l = startLab(t, dir, "-f", file)
	if again := rawVerdict(t, l, "slow"); !bytes.Equal(again, first) {
		t.Errorf("after a restart\n%s\nwas\n%s", again, first)
	}
}

// rawVerdict is the verdict on the only candidate, as the API has it.
func rawVerdict(t *testing.T, l *lab, name string) []byte {
	t.Helper()
	out, _, _ := l.assay("verdict", name, "-o", "json")
	var e struct {
		Arms []struct{ Verdict json.RawMessage }
	}
	if err := json.Unmarshal([]byte(out), &e); err != nil || len(e.Arms) != 2 {
		t.Fatalf("%v in %s", err, out)
	}
	return e.Arms[1].Verdict
}

// toldToCI is what `assay verdict` writes where it believes to be in GitHub Actions: files by their names, and stderr.
func toldToCI(t *testing.T, l *lab, definition string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	summary := write(t, filepath.Join(dir, "summary.md"), "before\n")
	cmd := exec.Command(assayBinary(t), "verdict", "slow", "-f", definition, "--junit", "verdict.xml", "--sarif", "verdict.sarif", "--console", l.console)
	var errs bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &errs
	cmd.Env = append(os.Environ(), "GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+summary)
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != process.Refuted {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	told := map[string]string{"stderr": errs.String()}
	for _, name := range []string{"summary.md", "verdict.xml", "verdict.sarif"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		told[name] = string(text)
	}
	return told
}
