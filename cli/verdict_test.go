package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A candidate that hangs in one call of fifty, and answers right otherwise, is refuted for its time-outs; and
// the verdict is the same to the byte after a restart.
func TestTimeoutsRefute(t *testing.T) {
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
	out, _, code := l.assay("verdict", "slow")
	for _, want := range []string{"mismatches are faults, the candidate's: timeout 12", "12 of 600 trials fault", "  faults <= 0.5%    refuted  2%", "assumed: ", "not seen: no cold start"} {
		if !strings.Contains(out, want) {
			t.Errorf("the verdict lacks %q:\n%s", want, out)
		}
	}
	if code != exitRefuted {
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
