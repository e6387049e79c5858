package awslambda

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	"github.com/assaylab/assay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const function = "arn:aws:lambda:eu-west-1:123456789012:function:round"

// imitation answers Invoke as AWS does, with what a test wants.
type imitation struct {
	status   int // 200 if zero
	header   map[string]string
	body     string
	hang     bool
	requests atomic.Int64
	payload  atomic.Value // string
}

func (i *imitation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.requests.Add(1)
	payload, _ := io.ReadAll(r.Body)
	i.payload.Store(string(payload))
	if i.hang {
		<-r.Context().Done()
		return
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/2015-03-31/functions/"+function+"/invocations":
		http.Error(w, "not the Invoke API: "+r.Method+" "+r.URL.Path, http.StatusTeapot)
		return
	case r.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" || r.Header.Get("X-Amz-Log-Type") != "Tail":
		http.Error(w, "another type of invocation", http.StatusTeapot)
		return
	case !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/lambda/aws4_request"):
		http.Error(w, "not signed for the region", http.StatusTeapot)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-RequestId", "8f507cfc-xmpl-4697-b07a-ac58fc914c95")
	for name, value := range i.header {
		w.Header().Set(name, value)
	}
	if i.status != 0 {
		w.WriteHeader(i.status)
	}
	_, _ = io.WriteString(w, i.body)
}

// invoke calls the imitation once through the real SDK.
func (i *imitation) invoke(t *testing.T, ctx context.Context) *assay.Observation {
	t.Helper()
	server := httptest.NewServer(i)
	defer server.Close()
	return invoke(t, ctx, server.URL)
}

func invoke(t *testing.T, ctx context.Context, endpoint string) *assay.Observation {
	t.Helper()
	start := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	ticks := 0
	f, err := New(ctx, Options{
		ARN: function, Endpoint: endpoint, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Now: func() time.Time { ticks++; return start.Add(time.Duration(ticks) * time.Second) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := f.Invoke(ctx, &assay.Invocation{ID: "1", Payload: []byte(`{"n": 20.5}`)})
	if err != nil {
		t.Fatal(err)
	}
	if !o.Started.Equal(start.Add(time.Second)) || o.Duration != time.Second {
		t.Errorf("started %v, took %v by a clock that ticks once a look", o.Started, o.Duration)
	}
	return o
}

const coldReport = "START RequestId: 8f507cfc Version: 7\nREPORT RequestId: fake\nEND RequestId: 8f507cfc\n" +
	"REPORT RequestId: 8f507cfc\tDuration: 1.61 ms\tBilled Duration: 102 ms\tMemory Size: 512 MB\tMax Memory Used: 37 MB\tInit Duration: 99.87 ms\t\n"

func TestInvoke(t *testing.T) {
	i := &imitation{
		header: map[string]string{"X-Amz-Executed-Version": "7", "X-Amz-Log-Result": base64.StdEncoding.EncodeToString([]byte(coldReport))},
		body:   `{"statusCode": 200, "body": "21"}`,
	}
	o := i.invoke(t, t.Context())
	if o.Fault != nil || o.Status != 200 || string(o.Body) != i.body || o.BodySize != int64(len(i.body)) || o.Version != "7" {
		t.Errorf("answer: %+v", o)
	}
	if i.payload.Load() != `{"n": 20.5}` {
		t.Errorf("the function was given %q", i.payload.Load())
	}
	if !o.Cold || o.Init != 99870*time.Microsecond || o.Billed != 102*time.Millisecond || o.MemoryMB != 512 || o.MaxMemoryMB != 37 || string(o.Log) != coldReport {
		t.Errorf("report: %+v", o)
	}
	if want := 0.0000002 + 0.0000166667*0.5*0.102; math.Abs(o.CostUSD-want) > 1e-15 {
		t.Errorf("cost %v, want %v", o.CostUSD, want)
	}
}

func TestFaults(t *testing.T) {
	unhandled := map[string]string{"X-Amz-Function-Error": "Unhandled"}
	for _, tt := range []struct {
		name       string
		imitation  *imitation
		kind       assay.FaultKind
		faultType  string
		message    string // part of it
		wantStatus int
	}{
		{"handler", &imitation{header: unhandled, body: `{"errorMessage":"no","errorType":"ValueError","stackTrace":[]}`}, assay.FaultFunction, "ValueError", "no", 200},
		{"handler that talks of time-outs", &imitation{header: unhandled, body: `{"errorMessage":"Task timed out after 3.00 seconds","errorType":"Error"}`}, assay.FaultFunction, "Error", "Task", 200},
		{"error in no form", &imitation{header: unhandled, body: `[]`}, assay.FaultFunction, "", "not in AWS's form", 200},
		{"timeout", &imitation{header: unhandled, body: `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 3.00 seconds"}`}, assay.FaultTimeout, "Sandbox.Timedout", "3.00", 200},
		{"timeout, old form", &imitation{header: unhandled, body: `{"errorMessage":"2019-03-20T05:40:48Z 1 Task timed out after 3.00 seconds"}`}, assay.FaultTimeout, "", "3.00", 200},
		{"exit", &imitation{header: unhandled, body: `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 1"}`}, assay.FaultCrash, "Runtime.ExitError", "exit status 1", 200},
		{"memory", &imitation{header: unhandled, body: `{"errorType":"Runtime.OutOfMemory","errorMessage":"killed"}`}, assay.FaultCrash, "Runtime.OutOfMemory", "killed", 200},
		{"exit, old form", &imitation{header: unhandled, body: `{"errorMessage":"RequestId: 1 Process exited before completing request"}`}, assay.FaultCrash, "", "exited", 200},
		{"throttle", &imitation{status: 429, header: map[string]string{"X-Amzn-ErrorType": "TooManyRequestsException", "Retry-After": "1"}, body: `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
			assay.FaultThrottle, "TooManyRequestsException", "Rate Exceeded.", 429},
		{"no such function", &imitation{status: 404, header: map[string]string{"X-Amzn-ErrorType": "ResourceNotFoundException"}, body: `{"Type":"User","Message":"Function not found: ` + function + `:$LATEST"}`},
			assay.FaultTransport, "ResourceNotFoundException", "Function not found", 404},
		{"AWS's own fault", &imitation{status: 500, header: map[string]string{"X-Amzn-ErrorType": "ServiceException"}, body: `{"Message":"sorry"}`}, assay.FaultTransport, "ServiceException", "sorry", 500},
		{"not AWS", &imitation{status: 503, header: map[string]string{"Content-Type": "text/html"}, body: `<html>`}, assay.FaultTransport, "", "", 503},
		{"redirect", &imitation{status: 307, header: map[string]string{"Location": "/"}}, assay.FaultTransport, "", "", 307},
		{"endless answer", &imitation{body: strings.Repeat(" ", maxAnswer+1)}, assay.FaultTransport, "", "too large", 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := tt.imitation.invoke(t, t.Context())
			if o.Fault == nil || o.Fault.Kind != tt.kind || tt.faultType != "" && o.Fault.Type != tt.faultType || !strings.Contains(o.Fault.Message, tt.message) {
				t.Errorf("fault %+v, want %s %s %s", o.Fault, tt.kind, tt.faultType, tt.message)
			}
			if o.Status != tt.wantStatus {
				t.Errorf("status %d, want %d", o.Status, tt.wantStatus)
			}
			if n := tt.imitation.requests.Load(); n != 1 {
				t.Errorf("%d requests for one invocation", n)
			}
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	o := invoke(t, t.Context(), server.URL)
	if o.Fault == nil || o.Fault.Kind != assay.FaultTransport || !strings.Contains(o.Fault.Message, "refused") || o.Status != 0 {
		t.Errorf("got %+v", o.Fault)
	}
}

func TestDeadline(t *testing.T) {
	i := &imitation{hang: true}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o := i.invoke(t, ctx)
	if o.Fault == nil || o.Fault.Kind != assay.FaultTimeout || i.requests.Load() != 1 {
		t.Errorf("got %+v after %d requests", o.Fault, i.requests.Load())
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	i := &imitation{}
	if o := i.invoke(t, ctx); o.Fault == nil || o.Fault.Kind != assay.FaultCanceled || i.requests.Load() != 0 {
		t.Errorf("got %+v", o.Fault)
	}
}

// TestEmbeddedAccountNeedsNoCredentials: the embedded engine's own address works on a machine that
// knows nothing of AWS, and never sees the credentials of one that does.
func TestEmbeddedAccountNeedsNoCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "real")
	var authorization atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization.Store(r.Header.Get("Authorization"))
	}))
	defer server.Close()
	f, err := New(t.Context(), Options{ARN: "arn:aws:lambda:us-east-1:000000000000:function:f", Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := f.Invoke(t.Context(), &assay.Invocation{Payload: []byte("{}")})
	if err != nil || o.Fault != nil {
		t.Fatalf("got %+v, %v", o, err)
	}
	if sent := authorization.Load().(string); !strings.Contains(sent, "Credential=assay/") {
		t.Errorf("signed with %s", sent)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, name := range []string{"", "round", "arn:aws:s3:::bucket", "arn:aws:lambda"} {
		var e *assay.Error
		if _, err := New(t.Context(), Options{ARN: name}); !errors.As(err, &e) || e.Code != assay.CodeInvalid || e.Hint == "" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestInvokeWantsAnEvent(t *testing.T) {
	f, err := New(t.Context(), Options{ARN: function, Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Invoke(t.Context(), &assay.Invocation{Request: &assay.Request{}}); err == nil {
		t.Error("a request passes for an event")
	}
}

func TestParseReport(t *testing.T) {
	const record = `{"time":"2026-11-21T00:00:00Z","type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":2.0,"billedDurationMs":3,"memorySizeMB":256,"maxMemoryUsedMB":40,"initDurationMs":12.5},"status":"success"}}` + "\n"
	for name, tt := range map[string]struct {
		log  string
		want report
		ok   bool
	}{
		"cold":        {coldReport, report{102 * time.Millisecond, 99870 * time.Microsecond, 512, 37}, true},
		"warm":        {"REPORT RequestId: 1\tDuration: 1.0 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 30 MB\t\nXRAY TraceId: 1-2\t", report{billed: 2 * time.Millisecond, memoryMB: 128, maxMemoryMB: 30}, true},
		"JSON":        {"{\"level\":\"INFO\"}\n" + record, report{3 * time.Millisecond, 12500 * time.Microsecond, 256, 40}, true},
		"last counts": {"REPORT RequestId: 0\tBilled Duration: 9 ms\tMemory Size: 1 MB\n" + record, report{3 * time.Millisecond, 12500 * time.Microsecond, 256, 40}, true},
		"none":        {"START\nEND\n", report{}, false},
		"no memory":   {"REPORT RequestId: 1\tBilled Duration: 2 ms\n", report{}, false},
		"absurd":      {"REPORT RequestId: 1\tBilled Duration: 1" + strings.Repeat("0", 400) + " ms\tMemory Size: 999999999999 MB\n", report{}, false},
		"empty":       {"", report{}, false},
	} {
		if got, ok := parseReport([]byte(tt.log)); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, ok, tt.want)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(coldReport))
	f.Add([]byte(`{"type":"platform.report","record":{"metrics":{"memorySizeMB":1e999}}}`))
	f.Fuzz(func(t *testing.T, log []byte) {
		if r, ok := parseReport(log); ok && (r.billed < 0 || r.init < 0 || r.memoryMB <= 0 || r.maxMemoryMB < 0) {
			t.Errorf("%+v", r)
		}
	})
}
