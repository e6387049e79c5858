package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// rollouts are where experiments' rollouts are brought to. Answers to requests that are busy fail in the arm "failing".
var rollouts = []struct {
	name, title, arm, canary string
	busy                     bool // the traffic, from the first step on
	order                    string
	stage                    assay.Stage
	weight                   float64
}{
	{"search", "Sorted by the index", "same", "10% -> 25% -> 50%", false, "", assay.StageCanary, 0.5},
	{"basket", "Without the session", "same", "10% -> 25% -> 50%", false, "pause", assay.StagePaused, 0.5},
	{"stock", "Counted at night", "failing", "20% -> 100%", true, "", assay.StageRolledBack, 0},
	{"prices", "From the new table", "same", "10% -> 50% -> 100%", false, "", assay.StagePromoted, 1},
}

// startRollouts runs a laboratory whose rollouts have come to every stage.
func startRollouts(t *testing.T) *lab {
	t.Helper()
	server := httptest.NewServer(services())
	t.Cleanup(server.Close)
	text := "experiments:\n"
	for _, r := range rollouts {
		text += fmt.Sprintf(`  %s:
    path: /shop/%[1]s/*
    control: {url: "%[2]s/same"}
    candidates: {new: {name: %[3]s, url: "%[2]s/%[4]s"}}
    comparators: [{statuscode: }, {body: }]
    hypothesis: {mismatch: "<= 20%%"}
    rollout: {canary: %[5]s, requests: 20, for: 1s, errors: "<= 40%%"}
`, r.name, server.URL, r.title, r.arm, r.canary)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "assay.yaml"), text)
	l := runLab(t, "-f", dir)
	for i := range rollouts {
		l.roll(t, i)
	}
	return l
}

// roll sends requests until a rollout is where it is to be.
func (l *lab) roll(t *testing.T, i int) {
	t.Helper()
	r := rollouts[i]
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		var at assay.Standing
		l.read(t, "experiments/"+r.name+"/rollout", &at)
		arrived := at.Weight == r.weight && at.Canary.Requests+at.Control.Requests > 0
		switch {
		case arrived && r.order != "":
			l.order(t, r.name, r.order)
			r.order = ""
		case at.Stage == r.stage && (arrived || r.weight == 0):
			return
		}
		paths := make([]string, 40)
		for n := range paths {
			paths[n] = fmt.Sprintf("/shop/%s/%d", r.name, n)
			if r.busy && at.Stage == assay.StageCanary {
				paths[n] += "?busy"
			}
		}
		l.send(t, paths)
	}
	t.Fatalf("the rollout of %s does not become %s: %s", r.name, r.stage, l.logged())
}

// order gives an order to a rollout.
func (l *lab) order(t *testing.T, name, order string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://"+l.console+"/api/v1/experiments/"+name, strings.NewReader(`{"rollout": "`+order+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s of %s: %s", order, name, answer.Status)
	}
}
