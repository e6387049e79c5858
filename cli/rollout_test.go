package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console"
	"github.com/assaylab/assay/process"
)

func (l *lab) rollout(name string) console.Rollout {
	l.t.Helper()
	var r console.Rollout
	if err := json.Unmarshal([]byte(l.must("rollout", name, "-o", "json")), &r); err != nil {
		l.t.Fatal(err)
	}
	return r
}

// reaches waits until a rollout is at a stage.
func (l *lab) reaches(name string, stage assay.Stage) console.Rollout {
	l.t.Helper()
	var r console.Rollout
	eventually(l.t, 2*time.Minute, func() error {
		if r = l.rollout(name); r.Stage != stage {
			return fmt.Errorf("it is %s: %s, %+v", r.Stage, r.Reason, r.Verdict)
		}
		return nil
	})
	return r
}

// TestRollout: a candidate that holds takes over step by step while traffic flows; when it begins to fail it
// is rolled back by itself, and clients are served by the control again.
func TestRollout(t *testing.T) {
	t.Parallel()
	control := serveText(t, "same")
	var broken atomic.Bool
	candidate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprint(w, "same")
	}))
	t.Cleanup(candidate.Close)

	dir := t.TempDir()
	file := write(t, dir+"/assay.yaml", fmt.Sprintf(`experiments:
  shop:
    path: shop
    control: {url: %q}
    candidates: {new: {url: %q}}
    comparators: [body]
    hypothesis: {mismatch: "<= 20%%"}
    rollout: {canary: 40%% -> 60%% -> 100%%, requests: 50, for: 1s, errors: "<= 20%%", by: "header:x-user"}
`, control.URL, candidate.URL))
	l := startLab(t, dir+"/data", "-f", file)
	clients := startTraffic(t, 2, l.gateway+"/shop", "same")
	promoted := l.reaches("shop", assay.StagePromoted)
	clients.end()

	var way []string
	for _, s := range promoted.Steps {
		way = append(way, fmt.Sprintf("%s %g", s.To, s.Weight))
		if s.By != "assay" || s.Reason == "" || s.Verdict == nil {
			t.Errorf("step %+v", s)
		}
	}
	if got := strings.Join(way, ", "); got != "canary 0.4, canary 0.6, promoted 1" {
		t.Errorf("it went %s", got)
	}
	e := l.settled("shop")
	if e.Rollout == nil || e.NotSampled["canary"] == 0 || e.Offered != e.Sampled+sumOf(e.NotSampled) {
		t.Errorf("counts: offered %d, sampled %d, not sampled %v", e.Offered, e.Sampled, e.NotSampled)
	}

	// Where it is outlives the laboratory.
	l.stop()
	l = startLab(t, dir+"/data", "-f", file)
	if again := l.rollout("shop"); again.Stage != assay.StagePromoted || len(again.Steps) != 3 {
		t.Errorf("after a restart: %+v", again)
	}
	if _, errs, code := l.assay("rollout", "shop", "promote"); code != process.Usage || !strings.Contains(errs, "a rollout that is promoted cannot promote") {
		t.Errorf("exit %d: %s", code, errs)
	}
	l.must("rollout", "shop", "rollback")
	l.must("rollout", "shop", "resume")
	clients = startTraffic(t, 2, l.gateway+"/shop", "same")
	l.reaches("shop", assay.StageCanary)
	clients.end()
	l.must("rollout", "shop", "pause")

	// It is paused at its share and begins to fail: nobody has to look.
	broken.Store(true)
	eventually(t, 2*time.Minute, func() error {
		for range 100 {
			if _, err := send(t.Context(), "GET", l.gateway+"/shop", nil, nil); err != nil {
				return err
			}
		}
		if r := l.rollout("shop"); r.Stage != assay.StageRolledBack {
			return fmt.Errorf("%s: %+v %+v", r.Stage, r.Canary, r.Verdict)
		}
		return nil
	})
	for range 50 {
		if got, err := send(t.Context(), "GET", l.gateway+"/shop", nil, nil); err != nil || got.status != http.StatusOK {
			t.Fatalf("a client is served by what was rolled back: %v %+v", err, got)
		}
	}
	if last := l.rollout("shop"); last.Weight != 0 || !strings.Contains(last.Reason, "refuted") {
		t.Errorf("rolled back: %+v", last.Standing)
	}
	if out := l.must("rollout", "shop"); !strings.Contains(out, "shop: rolled back, new serves 0%") || !strings.Contains(out, "TIME") {
		t.Errorf("it is shown as\n%s", out)
	}
}

func sumOf(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// TestRolloutOfAnAlias: the alias of a function on the embedded engine is shifted from one version to the
// next, for whoever calls it, and given back.
func TestRolloutOfAnAlias(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := startLab(t, dir+"/data")
	code := `def handler(event, context): return {"statusCode": 200, "body": "same"}  # version `
	for version, alias := range []string{"live", "next"} {
		write(t, dir+"/shop/app.py", fmt.Sprint(code, version, "\n"))
		l.must("deploy", dir+"/shop", "--name", "shop", "--runtime", "python3", "--handler", "app.handler", "--alias", alias)
	}
	l.must("apply", "-f", write(t, dir+"/assay.yaml", `experiments:
  shop:
    path: shop
    control: {function: "shop:live"}
    candidates: {v2: {function: "shop:2"}}
    hypothesis: {mismatch: "<= 20%"}
    rollout: {canary: 50% -> 100%, requests: 30, for: 1s, errors: "<= 30%", alias: "arn:aws:lambda:us-east-1:000000000000:function:shop:live"}
`))
	if got := leads(t, l); got != "1 map[]" {
		t.Fatalf("the alias leads to %s before", got)
	}
	clients := startTraffic(t, 2, l.gateway+"/shop", "same")
	r := l.reaches("shop", assay.StagePromoted)
	clients.end()
	if got := leads(t, l); got != "2 map[]" || r.Base != "1" {
		t.Errorf("promoted, the alias leads to %s; before to %q", got, r.Base)
	}
	if e := l.settled("shop"); e.Dropped["canary"] == 0 {
		t.Errorf("answers of version 2 became trials of the control: %v", e.Dropped)
	}
	l.must("rollout", "shop", "rollback")
	if got := leads(t, l); got != "1 map[]" {
		t.Errorf("rolled back, the alias leads to %s", got)
	}
}

// leads asks AWS's API where the alias leads.
func leads(t *testing.T, l *lab) string {
	t.Helper()
	got, err := send(t.Context(), "GET", l.aws+"/2015-03-31/functions/shop/aliases/live", nil, nil)
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("%v %+v", err, got)
	}
	var alias struct {
		FunctionVersion string
		RoutingConfig   struct{ AdditionalVersionWeights map[string]float64 }
	}
	if err := json.Unmarshal([]byte(got.body), &alias); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(alias.FunctionVersion, " ", alias.RoutingConfig.AdditionalVersionWeights)
}
