package browser

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

// evidence has something for each of the pages that trials, functions, rules and rollouts are read on.
const evidence = `functions:
  price: {runtime: python3, handler: main.handler, code: price, memory: 128}
experiments:
  catalogue:
    path: /catalogue/*
    control: {url: "%[1]s/control"}
    candidates: {rewritten: {name: Rewritten, url: "%[1]s/wrong"}}
    comparators: [{statuscode: }, {body: {as: json}}]
  pictures:
    path: /pictures/*
    control: {url: "%[1]s/control"}
    candidates: {redrawn: {name: Redrawn, url: "%[1]s/wrong"}}
    comparators: [{statuscode: }, {body: {as: image}}]
  events:
    path: /events
    secondary: 100%%
    control: {url: "%[1]s/control"}
    candidates: {rewritten: {name: Rewritten, url: "%[1]s/same"}}
    comparators: [{statuscode: }, {body: {as: json}}]
  price:
    path: /price
    control: {function: price}
    candidates: {again: {name: Again, function: price}}
    comparators: [{statuscode: }, {body: {as: json, tolerance: {"$.price": 0}}}]
    hypothesis: {mismatch: "<= 20%%"}
    holdout: 10%%
    rollout: {canary: 50%% -> 100%%, requests: 1000000, for: 1h}
`

// TestEvidence: what a trial shows unfolds and swipes by keyboard; a rule is accepted, a function tried, a rollout
// paused and given back.
func TestEvidence(t *testing.T) {
	t.Parallel()
	needed(t)
	server := httptest.NewServer(services())
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "assay.yaml"), fmt.Sprintf(evidence, server.URL))
	write(t, filepath.Join(dir, "price", "main.py"), function)
	l := runLab(t, "-f", dir)
	paths := []string{}
	for i := range 60 {
		paths = append(paths, "/price", fmt.Sprint("/catalogue/", i, "?lang=en&gift=1"), fmt.Sprint("/pictures/", i/20), "/events")
	}
	l.send(t, paths)
	walk(t, "evidence", l)
}
