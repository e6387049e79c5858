package pages

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

func (p *Pages) functionsPage(w http.ResponseWriter, _ *http.Request) error {
	return p.show(w, http.StatusOK, "functions", page{
		Title: "Functions", Section: "/functions", Live: "functions", Body: p.opt.Functions.Deployments(),
	})
}

// functionView is a function as its page shows it.
type functionView struct {
	assay.Deployment
	Inventory assay.Inventory
	Rows      []versionRow
	Variables []string // names alone: values tend to be secrets
	Stream    string   // the part of a log stream's name that lines are shown of
	Log       string
	Address   string // of its calls in the API
}

// versionRow is a version with what it counted, nil if it was not invoked.
type versionRow struct {
	assay.FunctionVersion
	Metrics *assay.Metrics
}

func (p *Pages) functionPage(w http.ResponseWriter, r *http.Request) error {
	name, stream := r.PathValue("name"), r.URL.Query().Get("stream")
	d, err := p.opt.Functions.Deployment(name)
	if err != nil {
		return err
	}
	inventory, err := p.opt.Functions.Inventory(name)
	if err != nil {
		return err
	}
	log, err := p.logTail(r.Context(), name, stream)
	if err != nil {
		return err
	}
	v := &functionView{
		Deployment: d, Inventory: inventory, Rows: versionRows(d, inventory), Variables: slices.Sorted(maps.Keys(d.Environment)),
		Stream: stream, Log: log, Address: "/api/v1" + pathTo("functions", name),
	}
	return p.show(w, http.StatusOK, "function", page{Title: name, Section: "/functions", Live: "functions", Body: v})
}

func versionRows(d assay.Deployment, inventory assay.Inventory) (rows []versionRow) {
	for _, v := range inventory.Versions {
		row := versionRow{FunctionVersion: v}
		if i := slices.IndexFunc(d.Metrics, func(m assay.Metrics) bool { return m.Version == v.Version }); i >= 0 {
			row.Metrics = &d.Metrics[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// Mean is how long its invocations ran on average, in milliseconds.
func (r versionRow) Mean() string {
	if r.Metrics == nil || r.Metrics.Invocations == 0 {
		return unknown
	}
	return millis(shape.Milliseconds(r.Metrics.Duration / time.Duration(r.Metrics.Invocations)))
}

// Qualifiers are what can be invoked: $LATEST, aliases, versions.
func (v *functionView) Qualifiers() []string {
	all := []string{"$LATEST"}
	for _, a := range v.Inventory.Aliases {
		all = append(all, a.Name)
	}
	for _, n := range v.Inventory.Versions {
		if n.Version != "$LATEST" {
			all = append(all, n.Version)
		}
	}
	return all
}

const logOnPage = 16 << 10 // bytes

// logTail is the end of a function's log.
func (p *Pages) logTail(ctx context.Context, name, stream string) (string, error) {
	var t tail
	if err := p.opt.Functions.Logs(ctx, name, assay.LogQuery{Stream: stream}, &t); err != nil {
		return "", err
	}
	text := t.last
	if len(text) == logOnPage { // the first line is not whole
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return string(bytes.ToValidUTF8(text, []byte("�"))), nil
}

// tail keeps the end of what is written to it.
type tail struct{ last []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if over := len(t.last) - logOnPage; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return len(p), nil
}
