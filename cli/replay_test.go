package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/recording"
)

// TestRecordedTraffic: requests of production are recorded, and then a candidate that was never near
// production is tried with them: with the control called anew, and with its recorded answers alone.
func TestRecordedTraffic(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"q": %q, "token": "s3cret"}`, r.URL.Query().Get("q"))
	}))
	t.Cleanup(control.Close)
	shouting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"token": "s3cret", "q": %q}`, strings.ToUpper(r.URL.Query().Get("q")))
	}))
	t.Cleanup(shouting.Close)

	dir := t.TempDir()
	file := write(t, dir+"/assay.yaml", fmt.Sprintf("experiments:\n  shop:\n    path: shop\n    control: {url: %q}\n    hypothesis: {mismatch: \"<= 20%%\"}\n", control.URL))
	l := startLab(t, dir+"/data", "-f", file)

	recorded := dir + "/shop.jsonl.zst"
	recorder := exec.Command(assayBinary(t), "record", "shop", "-f", recorded, "--most", "100", "--console", l.console)
	var said strings.Builder
	recorder.Stderr = &said
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- recorder.Wait() }()
	clients := startTraffic(t, 1, l.gateway+"/shop?q=ab&token=s3cret", `{"q": "ab", "token": "s3cret"}`)
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("assay record: %v: %s", err, said.String())
		}
	case <-time.After(time.Minute):
		t.Fatal("assay record did not end")
	}
	clients.end()
	checkRecording(t, recorded, 100)

	for _, tt := range []struct {
		to, control string
		exit        int
		calls       bool
	}{
		{"url:" + shouting.URL, "live", process.Refuted, true},
		{"url:" + control.URL, "recorded", process.OK, true}, // the candidate is the control here
		{"url:" + shouting.URL, "recorded", process.Refuted, false},
	} {
		before := calls.Load()
		out, errs, code := l.assay("replay", "shop", "--from", recorded, "--to", tt.to, "--control", tt.control, "--speed", "0")
		if code != tt.exit {
			t.Errorf("replay %+v: exit %d\n%s%s", tt, code, out, errs)
		}
		if !strings.Contains(errs, "100 requests in") || !strings.Contains(errs, "100 with hashes in place of secrets") {
			t.Errorf("replay %+v says: %s", tt, errs)
		}
		if got := calls.Load() > before; got != tt.calls {
			t.Errorf("replay %+v: production was called: %v", tt, got)
		}
		if e := l.settled("shop-replay"); e.Trials != 100 {
			t.Errorf("replay %+v: %d trials of 100 requests: %+v", tt, e.Trials, e.Dropped)
		}
	}
	if got, err := send(t.Context(), "GET", l.gateway+"/shop-replay", nil, nil); err != nil || got.status != http.StatusNotFound {
		t.Errorf("an experiment on recordings is routed: %v %+v", err, got)
	}
	for args, want := range map[string]string{
		"replay shop":                                               "one of --from and --rules",
		"replay shop --from " + dir + "/none":                       "the recording cannot be read",
		"replay nobody --from " + recorded:                          `no experiment "nobody"`,
		"replay shop --from " + recorded + " --to nobody":           "is no candidate of shop",
		"replay shop --from " + recorded + " --control x":           "use live or recorded",
		"replay shop --speed 0 --from " + file:                      "assay.yaml:1",
		"record shop -f " + recorded:                                "exists already",
		"replay shop --from " + recorded + " --header nothing":      "not a header field",
		"replay shop --from " + recorded + " --to function:nothing": `no function "nothing"`,
	} {
		if _, errs, code := l.assay(strings.Fields(args)...); code != process.Usage || !strings.Contains(errs, want) {
			t.Errorf("assay %s: exit %d, %s\nwant %q", args, code, errs, want)
		}
	}
}

// checkRecording looks for every request, and for what should not be there.
func checkRecording(t *testing.T, file string, want int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := recording.Open(file, f, recording.Auto, "")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		trial, err := r.Next()
		if err != nil {
			break
		}
		n++
		text, err := json.Marshal(trial)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text)+string(trial.Control.Body)+trial.Invocation.Request.Query, "s3cret") || trial.Control.Status != 200 {
			t.Fatalf("recorded: %s %s", text, trial.Control.Body)
		}
	}
	if n != want {
		t.Errorf("%d requests recorded, want %d", n, want)
	}
}
