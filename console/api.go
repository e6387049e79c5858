package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// maxBody is the largest request body read: definitions and payloads are smaller (AWS: 6 MB for a
// payload, of which the console's callers need less).
const maxBody = 4 << 20

// operation answers one call of the API, or fails before it has written anything.
type operation func(http.ResponseWriter, *http.Request) error

func (c *Console) answer(h operation, w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		c.fail(w, r, err)
	}
}

// api serves everything under /api/v1. Handlers return their errors; one place writes them.
func (c *Console) api() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range c.calls() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			c.answer(h, w, r)
		})
	}
	for pattern, h := range c.longCalls() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { c.answer(h, w, r) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			noSuchCall(mux, w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// calls are those whose bodies are short.
func (c *Console) calls() map[string]operation {
	calls := map[string]operation{
		"GET /api/v1/version":                           c.version,
		"GET /api/v1/health":                            c.health,
		"GET /api/v1/routes":                            c.listRoutes,
		"PUT /api/v1/routes":                            c.putRoutes,
		"GET /api/v1/events":                            c.events,
		"POST /api/v1/apply":                            c.apply,
		"GET /api/v1/experiments":                       c.experiments,
		"GET /api/v1/experiments/{name}":                c.experiment,
		"PUT /api/v1/experiments/{name}":                c.edit,
		"POST /api/v1/experiments/{name}/check":         c.check,
		"GET /api/v1/experiments/{name}/history":        c.history,
		"PATCH /api/v1/experiments/{name}":              c.patch,
		"DELETE /api/v1/experiments/{name}":             c.deleteExperiment,
		"GET /api/v1/experiments/{name}/definition":     c.definition,
		"GET /api/v1/experiments/{name}/trials":         c.trials,
		"GET /api/v1/experiments/{name}/strata":         c.strata,
		"GET /api/v1/experiments/{name}/trend":          c.trend,
		"GET /api/v1/experiments/{name}/charts/{chart}": c.experimentChart,
		"GET /api/v1/experiments/{name}/rollout":        c.rollout,
		"GET /api/v1/experiments/{name}/recording":      c.recording,
		"GET /api/v1/trials/{id}":                       c.trial,
		"GET /api/v1/functions":                         c.functions,
		"GET /api/v1/functions/{name}":                  c.function,
		"DELETE /api/v1/functions/{name}":               c.deleteFunction,
		"POST /api/v1/functions/{name}/invocations":     c.invoke,
		"GET /api/v1/functions/{name}/logs":             c.logs,
	}
	maps.Copy(calls, c.readingCalls())
	maps.Copy(calls, c.inventoryCalls())
	return calls
}

// longCalls are those whose bodies may have any length.
func (c *Console) longCalls() map[string]operation {
	calls := map[string]operation{"POST /api/v1/experiments/{name}/traffic": c.traffic}
	maps.Copy(calls, c.archiveCalls())
	return calls
}

// noSuchCall says in JSON what the mux would have said in text: 404, or 405 with the methods allowed.
func noSuchCall(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	said := &statusOnly{header: w.Header(), status: http.StatusOK}
	mux.ServeHTTP(said, r)
	hint := "the calls are listed in docs/json-api.md"
	if allow := w.Header().Get("Allow"); allow != "" {
		hint = "allowed here: " + allow
	}
	writeError(w, said.status, &assay.Error{Code: assay.CodeNotFound, What: "no such call", Where: r.Method + " " + r.URL.Path, Hint: hint})
}

// statusOnly takes an answer's status and header and forgets its body.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// statusOf says with which HTTP status an error is answered.
func statusOf(code assay.ErrorCode) int {
	switch code {
	case assay.CodeInvalid:
		return http.StatusBadRequest
	case assay.CodeNotFound:
		return http.StatusNotFound
	case assay.CodeConflict:
		return http.StatusConflict
	case assay.CodeUnreachable:
		return http.StatusBadGateway
	default:
		return http.StatusInternalServerError
	}
}

// explain turns any error into one for people, and the status it is answered with. What is Assay's
// own fault is logged, and told without its inner details.
func (c *Console) explain(r *http.Request, err error) (int, *assay.Error) {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, &assay.Error{Code: assay.CodeInvalid,
			What: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	}
	known, ok := errors.AsType[*assay.Error](err)
	if !ok {
		known = &assay.Error{Code: assay.CodeInternal, What: "the laboratory could not do this", Hint: "its log says why"}
	}
	status := statusOf(known.Code)
	if status == http.StatusInternalServerError && r.Context().Err() == nil {
		c.opt.Log.Error("console", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	return status, known
}

func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, known := c.explain(r, err)
	writeError(w, status, known)
}

func writeError(w http.ResponseWriter, status int, err *assay.Error) {
	_ = writeJSON(w, status, map[string]*assay.Error{"error": err}) // strings alone: always encodes
}

// writeJSON answers with v. It fails, before anything is written, when v cannot be encoded.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the caller may have gone
	return nil
}

func (c *Console) version(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, struct {
		Version   string            `json:"version"`
		Addresses map[string]string `json:"addresses,omitempty"`
	}{c.opt.Version, c.opt.Addresses})
}

func (c *Console) experiments(w http.ResponseWriter, r *http.Request) error {
	list, err := c.experimentList(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, list)
}

func (c *Console) experimentList(ctx context.Context) (any, error) {
	reports, err := c.opt.Laboratory.Reports(ctx)
	if err != nil {
		return nil, err
	}
	shapes := make([]shape.Experiment, len(reports))
	for i := range reports {
		shapes[i] = shape.ExperimentOf(&reports[i])
	}
	return map[string]any{"experiments": shapes}, nil
}

func (c *Console) experiment(w http.ResponseWriter, r *http.Request) error {
	report, err := c.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, shape.ExperimentOf(&report))
}

// strata answers with the parts of an experiment's traffic, the most frequent first.
func (c *Console) strata(w http.ResponseWriter, r *http.Request) error {
	report, err := c.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"strata": append([]assay.TrafficStratum{}, report.Counts.Strata...)})
}

// apply takes a document, or with a name in the path that experiment's definition.
func (c *Console) apply(w http.ResponseWriter, r *http.Request) error {
	definition, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	changes, err := c.opt.Laboratory.Apply(r.Context(), r.PathValue("name"), definition)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"changes": append([]assay.Change{}, changes...)})
}

func (c *Console) patch(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	report, err := c.opt.Laboratory.Report(r.Context(), name)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	patch, err := shape.ParsePatch(body, report.Experiment.Sample)
	if err != nil {
		return err
	}
	if _, err := c.opt.Laboratory.Patch(r.Context(), name, patch); err != nil {
		return err
	}
	return c.experiment(w, r)
}

func (c *Console) deleteExperiment(w http.ResponseWriter, r *http.Request) error {
	if err := c.opt.Laboratory.Delete(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *Console) definition(w http.ResponseWriter, r *http.Request) error {
	yaml, err := c.opt.Laboratory.Render(r.PathValue("name"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(yaml)
	return nil
}

func (c *Console) trials(w http.ResponseWriter, r *http.Request) error {
	q, err := shape.Query(r.PathValue("name"), r.URL.Query())
	if err != nil {
		return err
	}
	// An unknown name is an error, not an experiment without trials.
	report, err := c.opt.Laboratory.Report(r.Context(), q.Experiment)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("all") != "true" {
		q.Since = report.Experiment.Since
	}
	page, err := c.opt.Store.Trials(r.Context(), q)
	if err != nil {
		return err
	}
	shapes := make([]shape.Trial, len(page.Trials))
	for i := range page.Trials {
		shapes[i] = shape.TrialOf(&page.Trials[i])
	}
	return writeJSON(w, http.StatusOK, map[string]any{"trials": shapes, "next": page.Next})
}

// trend tells how the present evidence came about, minute by minute.
func (c *Console) trend(w http.ResponseWriter, r *http.Request) error {
	report, err := c.opt.Laboratory.Report(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	span, err := minutesOf(r)
	if err != nil {
		return err
	}
	minutes, err := c.minutes(r.Context(), &report, span)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string]any{"step": assay.StepOf(span), "minutes": append([]assay.Minute{}, minutes...)})
}

// minutes are the last so many of an experiment's present evidence.
func (c *Console) minutes(ctx context.Context, r *assay.Report, span int) ([]assay.Minute, error) {
	store, ok := c.opt.Store.(assay.Trends)
	if !ok {
		return nil, &assay.Error{Code: assay.CodeNotFound, What: "this store knows no trends", Hint: "sqlite: does"}
	}
	return store.Trend(ctx, r.Experiment.Name, r.Experiment.Since, span)
}

// trendMinutes is how much of a trend is told, unless more is asked for with ?minutes=.
const trendMinutes = 12 * 60

func minutesOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("minutes")
	if text == "" {
		return trendMinutes, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > assay.MaxMinutes {
		return 0, shape.Invalid("not a number of minutes", text, "a whole number from 1 to "+strconv.Itoa(assay.MaxMinutes)+": a week")
	}
	return n, nil
}

func (c *Console) trial(w http.ResponseWriter, r *http.Request) error {
	t, err := c.opt.Store.Trial(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, shape.TrialOf(t))
}

func (c *Console) functions(w http.ResponseWriter, r *http.Request) error {
	list, err := c.functionList(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, list)
}

func (c *Console) functionList(context.Context) (any, error) {
	shapes := []assay.Deployment{}
	for _, d := range c.opt.Functions.Deployments() {
		shapes = append(shapes, shape.DeploymentOf(d))
	}
	return map[string]any{"functions": shapes}, nil
}

func (c *Console) function(w http.ResponseWriter, r *http.Request) error {
	d, err := c.opt.Functions.Deployment(r.PathValue("name"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, shape.DeploymentOf(d))
}

func (c *Console) deleteFunction(w http.ResponseWriter, r *http.Request) error {
	if err := c.opt.Functions.Remove(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// invoke calls a function once, outside every experiment.
func (c *Console) invoke(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, err := c.opt.Functions.Deployment(name); err != nil {
		return err
	}
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	inv := &assay.Invocation{ID: c.opt.NewID(), Received: c.opt.Now(), Payload: payload}
	o, err := c.opt.Functions.Invoker(name).Invoke(r.Context(), inv)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, shape.InvocationOf(inv.ID, o))
}

// logs streams a function's log as text, or that of one of its log streams; with ?follow=true until the
// caller leaves.
func (c *Console) logs(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if _, err := c.opt.Functions.Deployment(name); err != nil {
		return err
	}
	ctx, done, ok := c.stream(r)
	if !ok {
		return errClosed
	}
	defer done()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	q := assay.LogQuery{Follow: r.URL.Query().Get("follow") == "true", Stream: r.URL.Query().Get("stream")}
	err := c.opt.Functions.Logs(ctx, name, q, flushWriter{w, http.NewResponseController(w)})
	if err != nil && ctx.Err() == nil {
		c.opt.Log.Warn("log stream", "function", name, "err", err) // the status has been sent
	}
	return nil
}

var errClosed = &assay.Error{Code: assay.CodeUnreachable, What: "the laboratory is shutting down"}

// writeWithin is how long a caller may take to accept one piece of a stream; a stuck one must not keep
// the laboratory from shutting down.
const writeWithin = 5 * time.Second

// flushWriter sends each write on at once.
type flushWriter struct {
	w    io.Writer
	ctrl *http.ResponseController
}

func (f flushWriter) Write(p []byte) (int, error) {
	_ = f.ctrl.SetWriteDeadline(time.Now().Add(writeWithin)) // where the connection can
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, f.ctrl.Flush()
}
