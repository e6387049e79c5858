package deploy_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/deploy"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/awsapi"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/pack"
)

// engine is AWS's API over the control plane, without an engine that runs anything, and what changed it.
type engine struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	plane, err := control.Open(control.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	api, err := awsapi.New(awsapi.Options{Plane: plane, Engine: idle{}})
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			e.mu.Lock()
			e.calls = append(e.calls, r.Method+" "+r.URL.Path[strings.Index(r.URL.Path[1:], "/")+1:])
			e.mu.Unlock()
		}
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

// changes returns what was sent since the last time.
func (e *engine) changes() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	calls := e.calls
	e.calls = nil
	return calls
}

type idle struct{}

func (idle) Invoke(context.Context, lambda.Call) (*lambda.Result, error) {
	return nil, errors.New("idle")
}
func (idle) InvokeStream(context.Context, lambda.Call, lambda.Sink) (*lambda.Result, error) {
	return nil, errors.New("idle")
}
func (idle) InvokeEvent(lambda.Call) error { return errors.New("idle") }

func client(t *testing.T, e *engine, plan bool) *deploy.Client {
	t.Helper()
	c, err := deploy.New(t.Context(), deploy.Options{
		Endpoint: e.URL, Region: "us-east-1", Role: "arn:aws:iam::000000000000:role/assay", Plan: plan, Pace: time.Millisecond,
		Credentials: credentials.NewStaticCredentialsProvider("assay", "assay", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func zipOf(t *testing.T, name, text string) (file, sum string) {
	t.Helper()
	p, err := pack.Open(pack.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, name), text)
	pkg, err := p.Pack(t.Context(), pack.Source{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	return pkg.Zip, pkg.CodeSHA256
}

func hello(t *testing.T, text string) deploy.Function {
	zip, sum := zipOf(t, "main.py", text)
	return deploy.Function{
		Function: assay.Function{Name: "hello", Runtime: "python3", Handler: "main.handler", MemoryMB: 128, Timeout: 3 * time.Second, Environment: map[string]string{"STAGE": "dev"}},
		Zip:      zip, CodeSHA256: sum,
	}
}

// step deploys, and checks what was done and which calls were made for it.
func step(t *testing.T, e *engine, f deploy.Function, action deploy.Action, calls ...string) deploy.Result {
	t.Helper()
	r, err := client(t, e, false).Function(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.changes(); r.Action != action || !slices.Equal(got, calls) {
		t.Errorf("%s by %q, want %s by %q", r.Action, got, action, calls)
	}
	return r
}

func TestFunction(t *testing.T) {
	e := newEngine(t)
	f := hello(t, "one")
	r := step(t, e, f, deploy.Created, "POST /functions")
	if r.ARN != "arn:aws:lambda:us-east-1:000000000000:function:hello" {
		t.Error(r.ARN)
	}
	step(t, e, f, deploy.Unchanged)

	changed := hello(t, "two")
	step(t, e, changed, deploy.Configured, "PUT /functions/hello/code")
	changed.MemoryMB, changed.Concurrency = 256, 3
	step(t, e, changed, deploy.Configured, "PUT /functions/hello/configuration", "PUT /functions/hello/concurrency")
	changed.Concurrency, changed.Tags = 0, map[string]string{"team": "shop"}
	step(t, e, changed, deploy.Configured, "POST /tags/"+r.ARN, "DELETE /functions/hello/concurrency")
	changed.URL = &deploy.URL{Public: true}
	if got := step(t, e, changed, deploy.Configured, "POST /functions/hello/url", "POST /functions/hello/policy", "POST /functions/hello/policy"); !strings.HasPrefix(got.URL, "http") {
		t.Errorf("URL %q", got.URL)
	}
	step(t, e, changed, deploy.Unchanged)
}

func TestPlan(t *testing.T) {
	e := newEngine(t)
	f := hello(t, "one")
	for _, want := range []deploy.Action{deploy.Created, deploy.Unchanged} {
		r, err := client(t, e, true).Function(t.Context(), f)
		if err != nil || r.Action != want || len(e.changes()) > 0 {
			t.Errorf("%+v, %v, want %s", r, err, want)
		}
		if want == deploy.Created {
			step(t, e, f, deploy.Created, "POST /functions")
		}
	}
	if r, err := client(t, e, true).Function(t.Context(), hello(t, "two")); err != nil || r.Action != deploy.Configured || len(e.changes()) > 0 {
		t.Error(r, err)
	}
}

func TestAliases(t *testing.T) {
	e := newEngine(t)
	f := hello(t, "one")
	f.Aliases = []deploy.Alias{{Name: "live"}}
	if r := step(t, e, f, deploy.Created, "POST /functions", "POST /functions/hello/versions", "POST /functions/hello/aliases"); r.Version != "1" {
		t.Error(r.Version)
	}
	step(t, e, f, deploy.Unchanged, "POST /functions/hello/versions")
	two := hello(t, "two")
	two.Aliases = []deploy.Alias{{Name: "live", Share: 0.1}}
	if r := step(t, e, two, deploy.Configured, "PUT /functions/hello/code", "POST /functions/hello/versions", "PUT /functions/hello/aliases/live"); r.Version != "2" {
		t.Error(r.Version)
	}
	step(t, e, two, deploy.Unchanged, "POST /functions/hello/versions")
	two.Aliases = []deploy.Alias{{Name: "live", Weights: map[string]float64{"1": 0.25}}}
	step(t, e, two, deploy.Configured, "POST /functions/hello/versions", "PUT /functions/hello/aliases/live")
	two.Aliases = []deploy.Alias{{Name: "live"}}
	step(t, e, two, deploy.Configured, "POST /functions/hello/versions", "PUT /functions/hello/aliases/live")
	step(t, e, two, deploy.Unchanged, "POST /functions/hello/versions")
}

func TestLayer(t *testing.T) {
	e := newEngine(t)
	c := client(t, e, false)
	l := deploy.Layer{Name: "shared"}
	for _, want := range []struct {
		text   string
		action deploy.Action
		arn    string
	}{
		{"one", deploy.Created, "arn:aws:lambda:us-east-1:000000000000:layer:shared:1"},
		{"one", deploy.Unchanged, "arn:aws:lambda:us-east-1:000000000000:layer:shared:1"},
		{"two", deploy.Configured, "arn:aws:lambda:us-east-1:000000000000:layer:shared:2"},
	} {
		l.Zip, l.CodeSHA256 = zipOf(t, "python/shared.py", want.text)
		r, err := c.Layer(t.Context(), l)
		if err != nil || r.Action != want.action || r.ARN != want.arn {
			t.Errorf("%+v, %v, want %+v", r, err, want)
		}
	}
	f := hello(t, "one")
	f.Layers = []string{"arn:aws:lambda:us-east-1:000000000000:layer:shared:2"}
	e.changes()
	step(t, e, f, deploy.Created, "POST /functions")
	step(t, e, f, deploy.Unchanged)
	f.Layers = nil
	step(t, e, f, deploy.Configured, "PUT /functions/hello/configuration")
}

func TestErrors(t *testing.T) {
	e := newEngine(t)
	f := hello(t, "one")
	f.Runtime = "python2.6"
	_, err := client(t, e, false).Function(t.Context(), f)
	var told *assay.Error
	if !errors.As(err, &told) || !strings.Contains(told.What, "python2.6") || told.Hint == "" {
		t.Error(err)
	}
	e.Close()
	_, err = client(t, e, false).Function(t.Context(), f)
	if !errors.As(err, &told) || told.Code != assay.CodeUnreachable {
		t.Error(err)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}
