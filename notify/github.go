package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// GitHub's limits, in characters.
const (
	maxDescription = 140
	maxSummary     = 65535
	maxTitle       = 255
)

// sendGitHub says of a commit what an event means for it.
func sendGitHub(ctx context.Context, c assay.Channel, e *Event, token string, env func(string) (string, bool)) error {
	commit := c.Commit
	if strings.HasPrefix(commit, "env:") {
		var err error
		if commit, err = read(assay.Secret(commit), env); err != nil {
			return err
		}
	}
	var said any = statusOf(e)
	what := "statuses/" + url.PathEscape(commit)
	if c.As == "check" {
		said, what = checkOf(e, commit, c.File), "check-runs"
	}
	body, err := json.Marshal(said)
	if err != nil {
		return err
	}
	api := c.URL
	if api == "" {
		api = "https://api.github.com"
	}
	to := strings.TrimSuffix(api, "/") + "/repos/" + c.Repository + "/" + what
	return post(ctx, to, http.Header{"Authorization": {"Bearer " + token}, "Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}}, body)
}

// commitStatus is the body of POST /repos/{owner}/{repo}/statuses/{sha}.
type commitStatus struct {
	State       string `json:"state"`
	Description string `json:"description"`
	Context     string `json:"context"`
	TargetURL   string `json:"target_url,omitempty"`
}

func statusOf(e *Event) commitStatus {
	return commitStatus{State: stateOf(e), Description: shorten(e.Title+": "+e.Text, maxDescription), Context: contextOf(e), TargetURL: e.Link}
}

// checkRun is the body of POST /repos/{owner}/{repo}/check-runs. A later one of the same name takes its place.
type checkRun struct {
	Name        string      `json:"name"`
	HeadSHA     string      `json:"head_sha"`
	ExternalID  string      `json:"external_id"`
	DetailsURL  string      `json:"details_url,omitempty"`
	Status      string      `json:"status"`
	Conclusion  string      `json:"conclusion"`
	CompletedAt time.Time   `json:"completed_at"`
	Output      checkOutput `json:"output"`
}

type checkOutput struct {
	Title       string            `json:"title"`
	Summary     string            `json:"summary"`
	Annotations []checkAnnotation `json:"annotations,omitempty"`
}

type checkAnnotation struct {
	Path      string `json:"path"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	Level     string `json:"annotation_level"`
	Title     string `json:"title"`
	Message   string `json:"message"`
}

// checkOf is an event as a check of a commit; what is no success is annotated at the head of a file, if one is named.
func checkOf(e *Event, commit, file string) checkRun {
	run := checkRun{
		Name: contextOf(e), HeadSHA: commit, ExternalID: e.ID, DetailsURL: e.Link,
		Status: "completed", Conclusion: conclusionOf(e), CompletedAt: e.Time.UTC().Truncate(time.Second),
		Output: checkOutput{Title: shorten(e.Title, maxTitle), Summary: shorten(e.Text, maxSummary)},
	}
	level := map[string]string{"failure": "failure", "action_required": "warning"}[run.Conclusion]
	if file != "" && level != "" {
		run.Output.Annotations = []checkAnnotation{{
			Path: file, StartLine: 1, EndLine: 1, Level: level, Title: run.Output.Title, Message: shorten(e.Text, maxSummary/4), // 64 KB of at most four bytes each
		}}
	}
	return run
}

// stateOf is a commit's state after an event.
func stateOf(e *Event) string {
	return map[string]string{"success": "success", "neutral": "pending", "action_required": "error", "failure": "failure"}[conclusionOf(e)]
}

// conclusionOf is what an event says of a commit, in the words of checks.
func conclusionOf(e *Event) string {
	switch {
	case e.Outcome == string(assay.Holds):
		return "success"
	case e.Outcome == string(assay.Inconclusive):
		return "neutral"
	case e.Kind == assay.OnDrops || e.Kind == assay.OnMasking:
		return "action_required" // the verdict is in doubt, not the commit
	}
	return "failure"
}

// contextOf names the status: one for each candidate's verdict, and one for each other kind of event.
func contextOf(e *Event) string {
	name := "assay/" + e.Experiment
	if e.Candidate != "" {
		name += "/" + e.Candidate
	}
	if e.Kind != assay.OnVerdict {
		name += " (" + string(e.Kind) + ")"
	}
	return name
}

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
