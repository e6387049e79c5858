package notify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
)

// gitHubSchema is what GitHub publishes of a request's body.
func gitHubSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("testdata/github.schema.json#/$defs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// onGitHub sends an event as a channel does, and returns where it went and what it said, as GitHub would take it.
func onGitHub(t *testing.T, e *Event, as, file string) (path string, body map[string]any) {
	t.Helper()
	s := newStation(t)
	c := assay.Channel{Kind: assay.ChannelGitHub, URL: s.url, Repository: "acme/shop", Commit: "env:GITHUB_SHA", Secret: "env:GITHUB_TOKEN", As: as, File: file}
	if flaws := check.Channel(&c); len(flaws) > 0 {
		t.Fatal(flaws)
	}
	if err := Send(t.Context(), c, e, env(map[string]string{"GITHUB_SHA": "abc123", "GITHUB_TOKEN": "t0ken"}), noon); err != nil {
		t.Fatal(err)
	}
	requests, bodies := s.told()
	if h := requests[0].Header; h.Get("Authorization") != "Bearer t0ken" || h.Get("X-GitHub-Api-Version") != "2022-11-28" {
		t.Errorf("%v", h)
	}
	if err := json.Unmarshal([]byte(bodies[0]), &body); err != nil {
		t.Fatal(err)
	}
	kind := strings.Split(requests[0].URL.Path, "/")[4]
	if err := gitHubSchema(t, kind).Validate(body); err != nil {
		t.Errorf("GitHub would not take it: %v", err)
	}
	known := gitHubSchema(t, kind).Properties
	for key := range body {
		if known[key] == nil {
			t.Errorf("GitHub knows no %s", key)
		}
	}
	return requests[0].URL.Path, body
}

// occurrences are events of every kind, with what they mean for a commit.
func occurrences() []struct {
	event         *Event
	state, checks string
} {
	of := func(kind assay.Occasion, outcome assay.Conclusion) *Event {
		e := refuted()
		e.Kind, e.Outcome = kind, string(outcome)
		return e
	}
	return []struct {
		event         *Event
		state, checks string
	}{
		{of(assay.OnVerdict, assay.Holds), "success", "success"},
		{of(assay.OnVerdict, assay.Refuted), "failure", "failure"},
		{of(assay.OnRollback, ""), "failure", "failure"},
		{of(assay.OnKillSwitch, ""), "failure", "failure"},
		{of(assay.OnDrops, ""), "error", "action_required"},
		{of(assay.OnMasking, ""), "error", "action_required"},
		{Sample(noon), "pending", "neutral"},
	}
}

func TestCommitStatus(t *testing.T) {
	for _, o := range occurrences() {
		path, status := onGitHub(t, o.event, "", "")
		description := []rune(status["description"].(string))
		if path != "/repos/acme/shop/statuses/abc123" || status["state"] != o.state || status["context"] != contextOf(o.event) || len(description) > 140 {
			t.Errorf("%s: %v", path, status)
		}
	}
}

func TestCheckRun(t *testing.T) {
	var names []string
	for _, o := range occurrences() {
		path, run := onGitHub(t, o.event, "check", "lab/assay.yaml")
		if path != "/repos/acme/shop/check-runs" || run["head_sha"] != "abc123" || run["status"] != "completed" || run["conclusion"] != o.checks {
			t.Errorf("%s: %v", path, run)
		}
		output := run["output"].(map[string]any)
		if run["completed_at"] != "2026-11-25T12:00:00Z" || output["title"] != o.event.Title || output["summary"] != o.event.Text {
			t.Errorf("%v", run)
		}
		_, annotated := output["annotations"]
		if good := o.checks == "success" || o.checks == "neutral"; annotated == good {
			t.Errorf("%s: annotated %v", o.checks, annotated)
		}
		names = append(names, fmt.Sprint(run["name"]))
	}
	if !slices.Contains(names, "assay/orders/new") || !slices.Contains(names, "assay/orders/new (drops)") {
		t.Error(names)
	}
}

// TestCheckRunOfTheLargest: what exceeds GitHub's limits is cut, and said of a file only if one is named.
func TestCheckRunOfTheLargest(t *testing.T) {
	e := refuted()
	e.Title, e.Text = strings.Repeat("T", 300), strings.Repeat("𝄞", 70_000)
	_, run := onGitHub(t, e, "check", "assay.yaml")
	output := run["output"].(map[string]any)
	note := output["annotations"].([]any)[0].(map[string]any)
	if len(note["message"].(string)) > 64<<10 || len([]rune(output["title"].(string))) != 255 || note["annotation_level"] != "failure" {
		t.Errorf("title of %d, message of %d bytes", len(output["title"].(string)), len(note["message"].(string)))
	}
	_, run = onGitHub(t, e, "check", "")
	if notes := run["output"].(map[string]any)["annotations"]; notes != nil {
		t.Errorf("%v", notes)
	}
}
