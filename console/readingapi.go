package console

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
	"github.com/assaylab/assay/drift"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/noise"
	"github.com/assaylab/assay/reading"
)

// readingCalls are the API's calls about rules and differences.
func (c *Console) readingCalls() map[string]operation {
	return map[string]operation{
		"GET /api/v1/experiments/{name}/rules":           c.rules,
		"POST /api/v1/experiments/{name}/rules":          c.acceptRule,
		"PATCH /api/v1/experiments/{name}/rules/{id}":    c.rejectRule,
		"DELETE /api/v1/experiments/{name}/rules/{id}":   c.removeRule,
		"GET /api/v1/experiments/{name}/clusters":        c.clusters,
		"PATCH /api/v1/experiments/{name}/clusters/{id}": c.markCluster,
		"GET /api/v1/experiments/{name}/drift":           c.drift,
		"POST /api/v1/experiments/{name}/replay":         c.replay,
		"POST /api/v1/reproductions":                     c.reproduce,
		"GET /api/v1/trials/{id}/reproduction":           c.caseOf,
	}
}

// The number of newest trials that are read, unless another is asked for.
const (
	driftTrials  = 200
	replayTrials = 10_000
)

func (c *Console) rules(w http.ResponseWriter, r *http.Request) error {
	all, err := c.rulesOf(r, r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, all)
}

func (c *Console) rulesOf(r *http.Request, name string) (shape.Rules, error) {
	report, err := c.opt.Laboratory.Report(r.Context(), name)
	if err != nil {
		return shape.Rules{}, err
	}
	inForce, proposed, err := c.opt.Reading.Rules(r.Context(), name)
	return shape.RulesOf(&report.Experiment, inForce, proposed), err
}

// terms are on which a rule is accepted: a proposed one by its id, or any by path and class.
type terms struct {
	ID      string      `json:"id"`
	Path    string      `json:"path"`
	Class   assay.Class `json:"class"`
	Within  *float64    `json:"within"`
	Owner   string      `json:"owner"`
	Expires string      `json:"expires"` // a day, or a time
}

func (c *Console) acceptRule(w http.ResponseWriter, r *http.Request) error {
	var t terms
	if err := readStrict(r, &t); err != nil {
		return err
	}
	name := r.PathValue("name")
	rule := assay.Rule{Path: assay.FoldPath(t.Path), Class: t.Class}
	if t.ID != "" {
		known, err := c.rulesOf(r, name)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(known.Proposed, func(p noise.Proposal) bool { return p.ID() == t.ID })
		if i < 0 {
			return &assay.Error{Code: assay.CodeNotFound, What: "no rule of that id is proposed", Where: t.ID, Hint: "the list of rules has their ids"}
		}
		rule = known.Proposed[i].Rule
	}
	if t.Within != nil {
		rule.Within = *t.Within
	}
	var err error
	if rule.Owner = t.Owner; t.Expires != "" {
		if rule.Expires, err = day(t.Expires); err != nil {
			return err
		}
	}
	if _, err := c.opt.Laboratory.AcceptRule(r.Context(), name, rule); err != nil {
		return err
	}
	return c.rules(w, r)
}

// readStrict reads one JSON value with no key that is not known.
func readStrict(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := shape.Strict(body, into); err != nil {
		return shape.Invalid("not what this call takes: "+err.Error(), "", "see docs/reading-differences.md")
	}
	return nil
}

func day(text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, shape.Invalid("not a day or time", text, "write it as 2027-01-31 or 2027-01-31T12:00:00Z")
}

// said is a state that somebody gives.
type said struct {
	State     string `json:"state"`
	By        string `json:"by"`
	Candidate string `json:"candidate"` // of clusters; all that have it if ""
}

func (c *Console) rejectRule(w http.ResponseWriter, r *http.Request) error {
	var s said
	if err := readStrict(r, &s); err != nil {
		return err
	}
	if s.State != assay.StateRejected || s.By == "" {
		return shape.Invalid("a proposal can be rejected, by somebody", s.State, `for example {"state": "rejected", "by": "ann"}`)
	}
	if err := c.opt.Reading.Reject(r.Context(), r.PathValue("name"), r.PathValue("id"), s.By); err != nil {
		return err
	}
	return c.rules(w, r)
}

func (c *Console) removeRule(w http.ResponseWriter, r *http.Request) error {
	if _, err := c.opt.Laboratory.RemoveRule(r.Context(), r.PathValue("name"), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *Console) clusters(w http.ResponseWriter, r *http.Request) error {
	all, err := c.opt.Reading.Clusters(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return c.writeClusters(w, r, all)
}

func (c *Console) writeClusters(w http.ResponseWriter, r *http.Request, all []assay.Cluster) error {
	report, err := c.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"clusters": shape.ClustersOf(&report.Experiment, all)})
}

func (c *Console) markCluster(w http.ResponseWriter, r *http.Request) error {
	var s said
	if err := readStrict(r, &s); err != nil {
		return err
	}
	states := []assay.ClusterState{assay.ClusterOpen, assay.ClusterAccepted, assay.ClusterFixed}
	if !slices.Contains(states, assay.ClusterState(s.State)) || s.By == "" {
		return shape.Invalid("a cluster is open, accepted or fixed, and somebody says so", s.State, `for example {"state": "accepted", "by": "ann"}`)
	}
	all, err := c.opt.Reading.MarkCluster(r.Context(), assay.Mark{Experiment: r.PathValue("name"), Arm: s.Candidate, ID: r.PathValue("id"), State: s.State, By: s.By})
	if err != nil {
		return err
	}
	return c.writeClusters(w, r, all)
}

func (c *Console) drift(w http.ResponseWriter, r *http.Request) error {
	span, err := spanOf(r, driftTrials)
	if err != nil {
		return err
	}
	all, err := c.opt.Reading.Drift(r.Context(), r.PathValue("name"), span)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"candidates": append([]drift.Report{}, all...)})
}

// spanOf reads which trials are to be read: ?limit=, and ?all=true for those of all versions.
func spanOf(r *http.Request, limit int) (reading.Span, error) {
	form := r.URL.Query()
	if text := form.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100_000 {
			return reading.Span{}, shape.Invalid("not a number of trials", text, "a whole number from 1 to 100000")
		}
		limit = n
	}
	return reading.Span{Limit: limit, All: form.Get("all") == "true"}, nil
}

// replay takes the comparators and rules to try as a file would have them.
func (c *Console) replay(w http.ResponseWriter, r *http.Request) error {
	span, err := spanOf(r, replayTrials)
	if err != nil {
		return err
	}
	rules, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	result, err := c.opt.Reading.Replay(r.Context(), r.PathValue("name"), rules, span)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, result)
}

// caseOf tells how a kept trial's request is made again: of ?candidate=, or of the first that mismatches.
func (c *Console) caseOf(w http.ResponseWriter, r *http.Request) error {
	found, err := c.opt.Reading.Case(r.Context(), reading.Wanted{ID: r.PathValue("id"), Candidate: r.URL.Query().Get("candidate")})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, found)
}

// wanted is reading.Wanted in the API.
type wanted struct {
	ID        string `json:"id"`
	Candidate string `json:"candidate"`
	Unsafe    bool   `json:"unsafe"`
	Calls     int    `json:"calls"`
	Time      string `json:"time"` // "30s"
}

// Step is one line of a reproduction's answer: how far it is, and at the end what was found or went wrong.
type Step struct {
	Progress *reading.Progress    `json:"progress,omitempty"`
	Found    *export.Reproduction `json:"found,omitempty"`
	Error    *assay.Error         `json:"error,omitempty"`
}

// reproduce answers with a line of JSON for each step. It ends when the caller leaves.
func (c *Console) reproduce(w http.ResponseWriter, r *http.Request) error {
	var q wanted
	if err := readStrict(r, &q); err != nil {
		return err
	}
	want := reading.Wanted{ID: q.ID, Candidate: q.Candidate, Unsafe: q.Unsafe, Calls: q.Calls}
	if q.Time != "" {
		d, err := time.ParseDuration(q.Time)
		if err != nil || d <= 0 {
			return shape.Invalid("not a length of time", q.Time, `for example "30s"`)
		}
		want.Time = d
	}
	ctx, done, ok := c.stream(r)
	if !ok {
		return errClosed
	}
	defer done()
	out := json.NewEncoder(flushWriter{w, http.NewResponseController(w)})
	began := false
	found, err := c.opt.Reading.Reproduce(ctx, want, func(p reading.Progress) {
		if !began {
			w.Header().Set("Content-Type", "application/x-ndjson")
			began = true
		}
		_ = out.Encode(Step{Progress: &p}) // the caller may have gone; ctx says so
	})
	switch {
	case err != nil && !began:
		return err
	case err != nil:
		_, known := c.explain(r, err)
		_ = out.Encode(Step{Error: known}) // the answer has begun
	default:
		_ = out.Encode(Step{Found: found})
	}
	return nil
}
