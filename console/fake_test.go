package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// fakeLab is a laboratory in memory, which tests change under the console.
type fakeLab struct {
	mu      sync.Mutex
	reports []assay.Report
	trials  []assay.Trial
	applied []string // "name:definition" of each Apply
	patches []assay.Patch
	reading fakeReading
	err     error        // of every call, if set
	reads   int          // calls of Reports
	replay  assay.Replay // how the last one was asked for
}

func notFound(kind, name string) error {
	return &assay.Error{Code: assay.CodeNotFound, What: "no such " + kind, Where: name, Hint: "the list has the names"}
}

func (f *fakeLab) Reports(context.Context) ([]assay.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	return slices.Clone(f.reports), f.err
}

func (f *fakeLab) find(name string) (*assay.Report, error) {
	if f.err != nil {
		return nil, f.err
	}
	for i := range f.reports {
		if f.reports[i].Experiment.Name == name {
			return &f.reports[i], nil
		}
	}
	return nil, notFound("experiment", name)
}

func (f *fakeLab) Report(_ context.Context, name string) (assay.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.find(name)
	if err != nil {
		return assay.Report{}, err
	}
	return *r, nil
}

func (f *fakeLab) Render(name string) ([]byte, error) {
	return []byte("experiments:\n  " + name + ":\n    path: round\n    sample: 100%\n    comparators:\n      - body:\n      - statuscode:\n      - headers:\n        - content-type\n"), nil
}

func (f *fakeLab) Apply(_ context.Context, name string, definition []byte) ([]assay.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.Contains(string(definition), "bogus") {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: `unknown key "bogus"`, Where: "assay.yaml:3:5", Hint: `did you mean "body"?`}
	}
	f.applied = append(f.applied, name+":"+string(definition))
	return []assay.Change{{Kind: "experiment", Name: "rounding-float", Action: "configured", Version: 4}}, nil
}

func (f *fakeLab) Edit(ctx context.Context, name string, version int, definition []byte) ([]assay.Change, error) {
	if r, err := f.Report(ctx, name); err != nil || r.Experiment.Version != version {
		return nil, errors.Join(err, &assay.Error{Code: assay.CodeConflict, What: "the experiment changed meanwhile"})
	}
	return f.Apply(ctx, name, definition)
}

func (f *fakeLab) Check(_ context.Context, name string, definition []byte) (assay.Preview, error) {
	if strings.Contains(string(definition), "bogus") {
		return assay.Preview{}, &assay.Error{Code: assay.CodeInvalid, What: `unknown key "bogus"`, Where: "definition:3:5", Hint: `did you mean "body"?`}
	}
	return assay.Preview{Change: assay.Change{Kind: "experiment", Name: name, Action: "configured", Version: 4}, Anew: true}, nil
}

// Course is that of a candidate which mismatches once in twenty trials.
func (f *fakeLab) Course(context.Context, string) (all []assay.Waypoint, err error) {
	for _, trials := range []int64{20, 100, 1000} {
		share := 0.5 / float64(trials)
		all = append(all, assay.Waypoint{Milestone: assay.Milestone{Time: noon, Arm: "candidate-2", Trials: trials, Mismatches: trials / 20}, Interval: [2]float64{0.05 - share, 0.05 + share}})
	}
	return all, f.err
}

func (f *fakeLab) History(_ context.Context, name string, limit int) ([]assay.Revision, error) {
	definition, err := f.Render(name)
	return []assay.Revision{
		{Version: 3, Since: 1, Changed: noon, State: assay.StateRunning, Definition: string(definition)},
		{Version: 1, Since: 1, Changed: noon.Add(-time.Hour), State: assay.StateRunning, Definition: strings.Replace(string(definition), "100%", "5%", 1)},
	}[:min(limit, 2)], err
}

func (f *fakeLab) Patch(_ context.Context, name string, p assay.Patch) (assay.Experiment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.find(name)
	if err != nil {
		return assay.Experiment{}, err
	}
	f.patches = append(f.patches, p)
	if p.Sample != nil {
		r.Experiment.Sample = *p.Sample
	}
	if p.State != nil {
		r.Experiment.State = *p.State
	}
	r.Experiment.Version++
	return r.Experiment, nil
}

func (f *fakeLab) Delete(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.find(name); err != nil {
		return err
	}
	f.reports = slices.DeleteFunc(f.reports, func(r assay.Report) bool { return r.Experiment.Name == name })
	return nil
}

// Trials pages through the fake's trials; the cursor is the index to go on from.
func (f *fakeLab) Trend(_ context.Context, experiment string, since, _ int) ([]assay.Minute, error) {
	return []assay.Minute{{Time: noon, Role: assay.RoleCandidate, Arm: fmt.Sprint(experiment, since), Observations: 60, Timed: 59, MeanMS: 1.5, LatencyMS: assay.Latency{P50: 1.4}}}, nil
}

func (f *fakeLab) Trials(_ context.Context, q assay.Query) (assay.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var page assay.Page
	from := 0
	_, _ = fmt.Sscan(q.Cursor, &from)
	for i := from; i < len(f.trials); i++ {
		t := f.trials[i]
		if t.Experiment != q.Experiment || t.Since < q.Since || q.Outcome != "" && t.Outcome() != q.Outcome {
			continue
		}
		if q.Limit > 0 && len(page.Trials) == q.Limit {
			page.Next = fmt.Sprint(i)
			break
		}
		page.Trials = append(page.Trials, t)
	}
	return page, f.err
}

func (f *fakeLab) Trial(_ context.Context, id string) (*assay.Trial, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.trials {
		if f.trials[i].ID == id {
			return &f.trials[i], nil
		}
	}
	return nil, notFound("trial", id)
}

// change edits the first experiment's report.
func (f *fakeLab) change(edit func(*assay.Report)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	edit(&f.reports[0])
}

func (f *fakeLab) readCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

// fakeEngine is an embedded engine with fixed functions. Every invocation echoes its payload.
type fakeEngine struct {
	deployments []assay.Deployment
	removed     []string
}

func (f *fakeEngine) Deployments() []assay.Deployment { return f.deployments }

func (f *fakeEngine) Deployment(name string) (assay.Deployment, error) {
	for _, d := range f.deployments {
		if d.Name == name {
			return d, nil
		}
	}
	return assay.Deployment{}, notFound("function", name)
}

func (f *fakeEngine) Inventory(name string) (assay.Inventory, error) {
	if _, err := f.Deployment(name); err != nil || name == "candidate-round-go" {
		return assay.Inventory{}, err
	}
	return assay.Inventory{
		Versions: []assay.FunctionVersion{{Version: "$LATEST", Runtime: "nodejs20.x", MemoryMB: 128, LastModified: noon, CodeSize: 2048}, {Version: "7", Description: "as released", MemoryMB: 256, LastModified: noon}},
		Aliases:  []assay.Alias{{Name: "live", Version: "7", Weights: map[string]float64{"8": 0.1}}},
		Environments: []assay.FunctionEnvironment{
			{Stream: "2026/11/20/[7]abcdef", Version: "7", State: assay.EnvironmentIdle, Began: noon, IdleSince: noon, MemoryMB: 128, MaxMemoryMB: 41},
			{Stream: "2026/11/20/[$LATEST]123456", Version: "$LATEST", State: assay.EnvironmentBusy, Began: noon, MemoryMB: 128},
		},
		Minutes: []assay.FunctionMinute{{Time: noon, Invocations: 12, Ran: 12, Errors: 1, Duration: 18 * time.Millisecond}},
	}, nil
}

func (f *fakeEngine) Remove(_ context.Context, name string) error {
	_, err := f.Deployment(name)
	f.removed = append(f.removed, name)
	return err
}

func (f *fakeEngine) Invoker(string) assay.Invoker {
	return assay.InvokerFunc(func(_ context.Context, inv *assay.Invocation) (*assay.Observation, error) {
		return &assay.Observation{Body: inv.Payload, Duration: 1500 * time.Microsecond, Billed: 2 * time.Millisecond,
			Cold: true, Init: 40 * time.Millisecond, MemoryMB: 128, MaxMemoryMB: 41, Log: []byte("REPORT RequestId")}, nil
	})
}

func (f *fakeEngine) Logs(ctx context.Context, _ string, q assay.LogQuery, w io.Writer) error {
	if _, err := io.WriteString(w, "START RequestId: 1\n"); err != nil {
		return err
	}
	if q.Follow {
		<-ctx.Done()
	}
	return ctx.Err()
}

func newFakeEngine() *fakeEngine {
	function := func(name, runtime string, memory int, invocations, errors int64) assay.Deployment {
		return assay.Deployment{
			Function: assay.Function{Name: name, Runtime: runtime, Handler: "index.handler", MemoryMB: memory, Timeout: 3 * time.Second,
				Environment: map[string]string{"PASSWORD": "hunter2"}},
			ARN: "arn:aws:lambda:us-east-1:000000000000:function:" + name, State: "Active", Version: "$LATEST",
			LastModified: noon, Environments: 2, Busy: 1, Invocations: invocations, Errors: errors, ColdStarts: 2,
		}
	}
	failed := function("candidate-round-go", "provided.al2023", 128, 0, 0)
	failed.State, failed.Reason = "Failed", "bootstrap: no such file"
	return &fakeEngine{deployments: []assay.Deployment{
		function("control-round", "nodejs20.x", 128, 1000, 0),
		function("candidate-round-python3-math", "python3.12", 128, 1000, 3),
		function("candidate-round-python-3-round", "python3.12", 256, 1000, 0),
		failed,
	}}
}

func embeddedTarget(name string) assay.Target {
	return assay.Target{ARN: "arn:aws:lambda:us-east-1:000000000000:function:" + name}
}

// surfaceReport is the experiment of the API's published example.
func surfaceReport() assay.Report {
	return assay.Report{
		Experiment: assay.Experiment{
			Name: "rounding-float", Version: 3, Since: 1, State: assay.StateRunning, Changed: noon, Path: "/round", Methods: []string{"GET"},
			Sample:  assay.Sample{Rate: 1},
			Control: assay.Arm{Name: "control", Title: "Round Node20", Target: embeddedTarget("control-round")},
			Candidates: []assay.Arm{
				{Name: "candidate-1", Title: "Round Python3-math", Target: embeddedTarget("candidate-round-python3-math")},
				{Name: "candidate-2", Title: "Round python-3-round", Target: embeddedTarget("candidate-round-python-3-round")},
			},
			Hypothesis: assay.Hypothesis{Mismatch: 0.001, Alpha: 0.05},
		},
		Counts: assay.Counts{
			Ledger: assay.Ledger{Experiment: "rounding-float", Since: 1, Requests: 1000, Offered: 1000, Sampled: 1000},
			Trials: 1000, First: noon, Last: noon,
			Arms: []assay.ArmCounts{
				{Name: "control", Role: assay.RoleControl, Observations: 1000, Cold: 1, Latency: latency(1.2, 1.9, 4), MaxMemoryMB: 41, CostUSD: 0.00041, Priced: 1000},
				{Name: "control", Role: assay.RoleSecondary, Observations: 200, Latency: latency(1.2, 2, 4.1), MaxMemoryMB: 41},
				{Name: "candidate-1", Role: assay.RoleCandidate, Observations: 1000, Cold: 1, Latency: latency(2.1, 2.8, 6.2), MaxMemoryMB: 29,
					CostUSD: 0.00062, Priced: 1000, Trials: 1000, Matches: 1000, Paired: 200},
				{Name: "candidate-2", Role: assay.RoleCandidate, Observations: 1000, Cold: 2, Latency: latency(2.2, 3.1, 118), MaxMemoryMB: 30,
					CostUSD: 0.00081, Priced: 1000, Trials: 1000, Matches: 950, Mismatches: 50, Faults: map[assay.FaultKind]int64{assay.FaultTimeout: 0},
					Paths: []assay.PathCount{{Path: "body:$.rounded_number", Kind: assay.KindValue, Mismatches: 50, CandidateOnly: 11}}},
			},
		},
		Verdicts: map[string]assay.Verdict{
			"candidate-1": {Outcome: assay.Holds, Reason: "0 of 1,000 trials mismatch; the share is below the 0.1% allowed.", Trials: 1000,
				Change: "a mismatch in each of the next 14 trials would refute it.",
				Evidence: assay.Evidence{EValue: 0.2, Alpha: 0.05, MismatchInterval: [2]float64{0, 0.0009}, MismatchLimit: 0.001,
					Checks: []assay.Check{{Clause: "mismatch <= 0.1%", Conclusion: assay.Holds, Interval: [2]float64{0, 0.0009}, Reason: "the whole interval is allowed"}}}},
			"candidate-2": {Outcome: assay.Refuted, Reason: "50 of 1,000 trials mismatch, far above the 0.1% allowed; all at body:$.rounded_number.", Trials: 1000,
				Change: "nothing that more trials of this version could show.",
				Evidence: assay.Evidence{EValue: 1e9, Alpha: 0.05, MismatchInterval: [2]float64{0.037, 0.066}, MismatchLimit: 0.001,
					Checks: []assay.Check{
						{Clause: "mismatch <= 0.1%", Conclusion: assay.Refuted, Interval: [2]float64{0.037, 0.066}, Reason: "the interval lies above the limit"},
						{Clause: "latency p99 <= 110%", Conclusion: assay.Inconclusive, Interval: [2]float64{0.9, 1e300}, Reason: "too few warm calls yet"},
					}}},
		},
	}
}

func latency(p50, p90, p99 float64) assay.Latency {
	return assay.Latency{P50: p50, P90: p90, P99: p99, Buckets: []assay.Bucket{{Value: p50, Count: 900}, {Value: p99, Count: 100}}}
}

func qrReport() assay.Report {
	r := surfaceReport()
	r.Experiment.Name, r.Experiment.Path, r.Experiment.Sample = "qr", "/qr", assay.Sample{Rate: 0.1, By: "header:x-user"}
	r.Experiment.State = assay.StatePaused
	r.Experiment.Control.Target = assay.Target{URL: "http://127.0.0.1:9000/qr"}
	r.Experiment.Candidates = []assay.Arm{{Name: "wrong", Title: "One wrong module", Target: assay.Target{Function: "qr-wrong"}}}
	r.Counts.Ledger = assay.Ledger{Experiment: "qr", Requests: 1234567, Offered: 1234567, Sampled: 123456,
		NotSampled: map[string]int64{"chance": 1111111}, Dropped: map[string]int64{"queue_full": 312, "too_large": 4}}
	r.Counts.Trials = 123138
	r.Counts.Arms = []assay.ArmCounts{
		{Name: "control", Role: assay.RoleControl, Observations: 123138, Latency: latency(12.4, 19, 41)},
		{Name: "wrong", Role: assay.RoleCandidate, Observations: 123138, Latency: latency(22, 31, 1180), Trials: 123138, Matches: 123100, Mismatches: 38,
			Faults: map[assay.FaultKind]int64{assay.FaultTimeout: 12, assay.FaultCrash: 3}},
	}
	r.Verdicts = map[string]assay.Verdict{"wrong": {Outcome: assay.Inconclusive, Trials: 123138, Reason: "38 of 123,138 trials mismatch; the share may lie on either side of the 0.05% allowed.",
		Evidence: assay.Evidence{EValue: 2, Alpha: 0.05, MismatchInterval: [2]float64{0.0002, 0.0006}, MismatchLimit: 0.0005}}}
	return r
}

func picture(wrong bool) []byte {
	img := image.NewGray(image.Rect(0, 0, 29, 29))
	for y := range 29 {
		for x := range 29 {
			if (x*7+y*13+x*y)%3 != 0 {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	if wrong {
		img.SetGray(14, 10, color.Gray{Y: 255 - img.GrayAt(14, 10).Y})
	}
	var out bytes.Buffer
	_ = png.Encode(&out, img)
	return out.Bytes()
}

func answer(arm string, role assay.Role, body string) assay.Observation {
	return assay.Observation{Arm: arm, Role: role, Started: noon, Duration: 2400 * time.Microsecond, Status: 200,
		Header: assay.Header{"Content-Type": {"application/json"}, "X-Runtime": {arm}}, Body: []byte(body), BodySize: int64(len(body)),
		Billed: 3 * time.Millisecond, MemoryMB: 128, MaxMemoryMB: 41, CostUSD: 4.1e-7, Version: "$LATEST"}
}

func roundingTrial(n int) assay.Trial {
	id := fmt.Sprintf("6f1c2a9e-4d0b-4c7f-9a51-%012d", n)
	cold := answer("candidate-2", assay.RoleCandidate, `{"requestId":"b-17","rounded_number":20,"input":"20.5"}`)
	cold.Cold, cold.Init, cold.Log = true, 91*time.Millisecond, []byte("START RequestId: 1\nround(20.5) = 20\nEND")
	same := answer("candidate-1", assay.RoleCandidate, `{"input":"20.5","requestId":"b-16","rounded_number":21.0}`)
	return assay.Trial{
		ID: id, Experiment: "rounding-float", Version: 3, Since: 1, Time: noon.Add(time.Duration(-n) * time.Second), Bodies: true,
		Invocation: assay.Invocation{ID: id, Received: noon, Request: &assay.Request{Method: "GET", Scheme: "http", Host: "127.0.0.1:8080",
			Path: "/round", Query: "number=20.5", Header: assay.Header{"Accept": {"*/*"}, "User-Agent": {"curl/8.5.0"}}}},
		Control: answer("control", assay.RoleControl, `{"rounded_number":21,"input":"20.5","requestId":"a-4"}`),
		Candidates: []assay.Comparison{
			{Observation: same, Differences: []assay.Difference{
				{Path: "body:$.requestId", Kind: assay.KindValue, Control: `"a-4"`, Candidate: `"b-16"`, Ignored: "ignore $.requestId"}}},
			{Observation: cold, Differences: []assay.Difference{
				{Path: "header:x-runtime", Kind: assay.KindValue, Control: "control", Candidate: "candidate-2"},
				{Path: "body:$.requestId", Kind: assay.KindValue, Control: `"a-4"`, Candidate: `"b-17"`, Ignored: "ignore $.requestId"},
				{Path: "body:$.rounded_number", Kind: assay.KindValue, Control: "21", Candidate: "20", Detail: "differs by 1"}}},
		},
	}
}

func qrTrial() assay.Trial {
	t := roundingTrial(0)
	t.ID, t.Experiment = "0c0ffee0-0000-4000-8000-000000000000", "qr"
	t.Invocation.Request = &assay.Request{Method: "GET", Path: "/qr", Query: "text=assay"}
	t.Control = answer("control", assay.RoleControl, string(picture(false)))
	t.Candidates = []assay.Comparison{{Observation: answer("wrong", assay.RoleCandidate, string(picture(true))),
		Differences: []assay.Difference{{Path: "body", Kind: assay.KindPixels, Detail: "1 of 841 pixels"}}}}
	return t
}

func faultTrial() assay.Trial {
	t := roundingTrial(0)
	t.ID = "dead0000-0000-4000-8000-000000000000"
	o := assay.Observation{Arm: "candidate-1", Role: assay.RoleCandidate, Started: noon, Duration: 3 * time.Second, Status: 502,
		Fault: &assay.Fault{Kind: assay.FaultTimeout, Type: "Sandbox.Timedout", Message: "2026-11-20T12:00:03Z Task timed out after 3.00 seconds"}}
	t.Candidates = []assay.Comparison{{Observation: o, Differences: []assay.Difference{
		{Path: "fault", Kind: assay.KindFault, Candidate: "timeout: Task timed out after 3.00 seconds"}}}}
	return t
}

// evilTrial has markup wherever a stranger can put some.
func evilTrial() assay.Trial {
	const evil = `<script>document.title="owned"</script><img src=x onerror="document.title='owned'">"'>`
	t := roundingTrial(0)
	t.ID = "e0000000-0000-4000-8000-000000000000"
	t.Invocation.Request.Path, t.Invocation.Request.Query = "/"+evil, evil
	t.Invocation.Request.Header = assay.Header{evil: {evil}}
	t.Invocation.Request.Body = []byte(evil)
	o := answer(evil, assay.RoleCandidate, `{"`+"x"+`":"<script>document.title='owned'</script>"}`)
	o.Header = assay.Header{"Content-Type": {"text/html"}, "X-Evil": {evil}}
	o.Fault = &assay.Fault{Kind: assay.FaultFunction, Type: evil, Message: evil}
	o.Log = []byte(evil)
	t.Control.Body = []byte(evil)
	t.Candidates = []assay.Comparison{{Observation: o, Differences: []assay.Difference{
		{Path: "body:$['" + evil + "']", Kind: assay.KindValue, Control: evil, Candidate: evil, Detail: evil, Ignored: ""}}}}
	return t
}

// Rollout is that of the report, with one step.
func (f *fakeLab) Rollout(ctx context.Context, name string) (assay.Standing, []assay.Step, error) {
	r, err := f.Report(ctx, name)
	if err == nil && r.Rollout == nil {
		err = notFound("rollout", name)
	}
	if err != nil {
		return assay.Standing{}, nil, err
	}
	return *r.Rollout, []assay.Step{{Experiment: name, Version: 3, Time: noon, From: assay.StageShadow, To: assay.StageCanary, Weight: 0.01, By: "assay", Reason: "it holds aside"}}, nil
}

// Record gives every kept trial, and misses two.
func (f *fakeLab) Record(_ context.Context, _ string, each func(*assay.Trial) error) (int64, error) {
	for i := range f.trials {
		if err := each(&f.trials[i]); err != nil {
			return 2, err
		}
	}
	return 2, nil
}

// Replay counts what it is given and remembers how.
func (f *fakeLab) Replay(_ context.Context, _ string, how assay.Replay, next func() (*assay.Trial, error)) (told assay.Replayed, err error) {
	f.mu.Lock()
	f.replay = how
	f.mu.Unlock()
	for {
		t, err := next()
		if err == io.EOF {
			return told, nil
		}
		if err != nil {
			return told, err
		}
		told.Requests++
		if t.Invocation.Request != nil {
			told.Sampled++
		}
	}
}

func newFakeLab() *fakeLab {
	f := &fakeLab{reports: []assay.Report{surfaceReport(), qrReport()}}
	for n := range 60 {
		f.trials = append(f.trials, roundingTrial(n))
	}
	f.trials = append(f.trials, qrTrial(), faultTrial(), evilTrial())
	return f
}

// newConsole returns a console over fakes that its caller may change; adjust may be nil.
func newConsole(lab *fakeLab, adjust func(*Options)) *Console {
	opt := Options{
		Laboratory: lab, Functions: newFakeEngine(), Store: lab, Reading: &lab.reading, Version: "1.0-test",
		Now: func() time.Time { return noon }, NewID: func() string { return "id-1" },
		Pixels: func(control, _ []byte) ([]byte, error) { return control, nil },
	}
	if adjust != nil {
		adjust(&opt)
	}
	c, err := New(opt)
	if err != nil {
		panic(err)
	}
	return c
}
