package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/lambda/runtimeapi"
)

// client returns AWS's own client for the engine's API.
func (l lab) client() *awslambda.Client {
	server := httptest.NewServer(l)
	transport := &http.Transport{}
	l.t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
	return awslambda.New(awslambda.Options{
		Region: assay.EmbeddedRegion, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: &http.Client{Transport: transport},
	})
}

func TestInvokeWithAWSClient(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	c := l.client()
	for _, name := range []string{"go", "go:$LATEST", "000000000000:function:go", control.FunctionARN("go"), control.FunctionARN("go") + ":$LATEST"} {
		out, err := c.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: &name, Payload: []byte(`{"Do": "context"}`), LogType: types.LogTypeTail,
			ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"custom": {"k": "v"}}`))),
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got struct{ ID, ARN, Client string }
		json.Unmarshal(out.Payload, &got)
		wantARN := control.FunctionARN("go")
		if strings.HasSuffix(name, latest) {
			wantARN += ":" + latest
		}
		if got.ARN != wantARN || got.Client != "v" || out.StatusCode != 200 || *out.ExecutedVersion != latest || out.FunctionError != nil {
			t.Errorf("%s: %+v %s", name, out, out.Payload)
		}
		response := rawHeader(out)
		if id := response.Get("X-Amzn-RequestId"); id != got.ID {
			t.Errorf("request id %q in the header, %q in the context", id, got.ID)
		}
		if response.Get("X-Amzn-Remapped-Content-Length") != "0" || response.Get("Content-Type") == "" || !strings.HasPrefix(response.Get("X-Amzn-Trace-Id"), "Root=1-") {
			t.Errorf("header %v", response)
		}
		log, _ := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
		if !like(string(log), "START RequestId: "+got.ID+" Version: $LATEST\nEND RequestId: "+got.ID+"\nREPORT …\n") {
			t.Errorf("log %s", log)
		}
	}
}

// rawHeader is the header of the HTTP response behind an answer.
func rawHeader(out *awslambda.InvokeOutput) http.Header {
	return middleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response).Header
}

func TestFunctionErrorsAreStatus200(t *testing.T) {
	fn := goFn(t)
	fn.Timeout = 300 * time.Millisecond
	c := newLab(t, Options{}, fn).client()
	for payload, want := range map[string]string{
		`{"Do": "fail"}`:         `{"errorMessage":"it failed","errorType":"errorString"}`,
		`{"Do": "exit","ID": 2}`: `{"errorMessage":"RequestId: … Error: Runtime exited with error: exit status 2","errorType":"Runtime.ExitError"}`,
		`{"Sleep": 9000}`:        `{"errorMessage":"RequestId: … Error: Task timed out after 0.30 seconds","errorType":"Sandbox.Timedout"}`,
	} {
		out, err := c.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("go"), Payload: []byte(payload), LogType: types.LogTypeTail})
		if err != nil {
			t.Fatal(err)
		}
		if out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" || !like(string(out.Payload), want) {
			t.Errorf("%s: %d %v %s", payload, out.StatusCode, aws.ToString(out.FunctionError), out.Payload)
		}
		if log, _ := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult)); !bytes.Contains(log, []byte("REPORT")) {
			t.Errorf("log %s", log)
		}
	}
}

func TestErrorsWithAWSClient(t *testing.T) {
	fn := goFn(t)
	fn.Concurrency = 1
	l := newLab(t, Options{}, fn)
	c := l.client()
	invoke := func(in awslambda.InvokeInput) error {
		_, err := c.Invoke(t.Context(), &in)
		return err
	}
	large := []byte(`"` + strings.Repeat("x", runtimeapi.MaxPayload) + `"`)
	busy := make(chan error)
	go func() {
		busy <- invoke(awslambda.InvokeInput{FunctionName: aws.String("go"), Payload: []byte(`{"Sleep": 1000}`)})
	}()
	l.await(func(d assay.Deployment) bool { return d.Busy == 1 }, "go")
	for _, tt := range []struct {
		in      awslambda.InvokeInput
		status  int
		code    string
		message string
	}{
		{awslambda.InvokeInput{FunctionName: aws.String("nonesuch")}, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nonesuch:$LATEST"},
		{awslambda.InvokeInput{FunctionName: aws.String("go"), Qualifier: aws.String("live")}, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:go:live"},
		{awslambda.InvokeInput{FunctionName: aws.String("go:1"), Qualifier: aws.String("2")}, 400, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."},
		{awslambda.InvokeInput{FunctionName: aws.String("arn:aws:lambda:eu-west-1:000000000000:function:go")}, 404, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		{awslambda.InvokeInput{FunctionName: aws.String("no such name")}, 400, "ValidationException", "1 validation error detected: Value 'no such name' at 'functionName' failed to satisfy constraint: …"},
		{awslambda.InvokeInput{FunctionName: aws.String("go"), Payload: []byte(`{nonsense`)}, 400, "InvalidRequestContentException", "Could not parse request body into json: …"},
		{awslambda.InvokeInput{FunctionName: aws.String("go"), Payload: large}, 413, "RequestTooLargeException", "Request must be smaller than 6291556 bytes for the InvokeFunction operation"},
		{awslambda.InvokeInput{FunctionName: aws.String("go"), Payload: large[:maxEvent+2], InvocationType: types.InvocationTypeEvent}, 413, "RequestTooLargeException", "Request must be smaller than 1048576 bytes for the InvokeFunction operation"},
		{awslambda.InvokeInput{FunctionName: aws.String("go"), InvocationType: "Sometimes"}, 400, "ValidationException", "1 validation error detected: Value 'Sometimes' at 'invocationType' …"},
		{awslambda.InvokeInput{FunctionName: aws.String("go")}, 429, "TooManyRequestsException", "Rate Exceeded."},
	} {
		err := invoke(tt.in)
		var api smithy.APIError
		var response *awshttp.ResponseError
		if !errors.As(err, &api) || !errors.As(err, &response) {
			t.Errorf("%s: %v", tt.code, err)
			continue
		}
		if api.ErrorCode() != tt.code || !like(api.ErrorMessage(), tt.message) || response.HTTPStatusCode() != tt.status {
			t.Errorf("%d %s %q, want %d %s %q", response.HTTPStatusCode(), api.ErrorCode(), api.ErrorMessage(), tt.status, tt.code, tt.message)
		}
		var throttle *types.TooManyRequestsException
		if errors.As(err, &throttle) && (throttle.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded || aws.ToString(throttle.RetryAfterSeconds) != "1") {
			t.Errorf("throttled: %+v", throttle)
		}
	}
	if err := <-busy; err != nil {
		t.Error(err)
	}
}

func TestInvocationTypes(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	c := l.client()
	for kind, want := range map[types.InvocationType]int32{types.InvocationTypeEvent: 202, types.InvocationTypeDryRun: 204} {
		out, err := c.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("go"), InvocationType: kind, Payload: []byte(`{"Do": "print"}`)})
		if err != nil || out.StatusCode != want || len(out.Payload) != 0 || out.ExecutedVersion != nil {
			t.Errorf("%s: %+v %v", kind, out, err)
		}
	}
	l.await(func(d assay.Deployment) bool { return d.Invocations == 1 }, "go")
	if err := l.Close(t.Context()); err != nil { // waits for the event
		t.Error(err)
	}
	var log bytes.Buffer
	f := l.functions["go"]
	f.log.copyTo(t.Context(), &log, false)
	if n := strings.Count(log.String(), "hello from go"); n != 1 {
		t.Errorf("the event ran %d times:\n%s", n, &log)
	}
}

func TestEventsAreBounded(t *testing.T) {
	fn := goFn(t)
	fn.Concurrency = 1
	l := newLab(t, Options{MaxEvents: 2}, fn)
	c := l.client()
	send := func() error {
		_, err := c.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("go"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"Sleep": 300}`)})
		return err
	}
	if err := errors.Join(send(), send()); err != nil {
		t.Fatal(err)
	}
	var throttle *types.TooManyRequestsException
	if err := send(); !errors.As(err, &throttle) {
		t.Errorf("third: %v", err)
	}
	l.await(func(d assay.Deployment) bool { return d.Busy == 0 }, "go")
	if d, _ := l.Deployment("go"); d.Throttles != 0 || d.Errors != 0 || d.Invocations != 2 {
		t.Errorf("deployment %+v", d)
	}
}

func TestReadingWithAWSClient(t *testing.T) {
	fn := goFn(t)
	fn.Environment = map[string]string{"A": "b"}
	l := newLab(t, Options{}, fn)
	for i := range 3 {
		more := goFn(t)
		more.Name = fmt.Sprintf("more%d", i)
		l.deploy(more)
	}
	c := l.client()
	got, err := c.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: aws.String("go")})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := l.Deployment("go")
	conf := got.Configuration
	if *conf.FunctionArn != d.ARN || *conf.CodeSha256 != d.CodeSHA256 || conf.State != types.StateActive || conf.Runtime != types.RuntimeProvidedal2023 ||
		*conf.MemorySize != 128 || *conf.Timeout != 20 || conf.Environment.Variables["A"] != "b" || conf.CodeSize == 0 {
		t.Errorf("configuration %+v", conf)
	}
	waiter := awslambda.NewFunctionActiveWaiter(c)
	if err := waiter.Wait(t.Context(), &awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("go")}, time.Second); err != nil {
		t.Error(err)
	}
	var names []string
	pages := awslambda.NewListFunctionsPaginator(c, &awslambda.ListFunctionsInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if fmt.Sprint(names) != "[go more0 more1 more2]" {
		t.Errorf("functions %v", names)
	}
	if _, err := c.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: aws.String("nonesuch")}); !isType[*types.ResourceNotFoundException](err) {
		t.Errorf("error %v", err)
	}
	_, err = c.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: aws.String("go")})
	var api smithy.APIError
	if !errors.As(err, &api) || !strings.Contains(api.ErrorMessage(), "is not supported") {
		t.Errorf("error %v", err)
	}
}

func isType[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// The member of error bodies differs by exception, which clients hide.
func TestErrorBodies(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	for path, want := range map[string]string{
		"/2015-03-31/functions/nonesuch/invocations":         `{"Message":"Function not found: …:nonesuch:$LATEST","Type":"User"}`,
		"/2015-03-31/functions/go:a/invocations?Qualifier=b": `{"Type":"User","message":"The derived qualifier …"}`,
		"/2015-03-31/functions/a%20b/invocations":            `{"message":"1 validation error detected: …"}`,
		"/2015-03-31/event-source-mappings":                  `{"Message":"POST /2015-03-31/event-source-mappings is not supported by the embedded engine yet.","Type":"Service"}`,
	} {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader("{}")))
		body, _ := io.ReadAll(w.Body)
		if !like(string(body), want) {
			t.Errorf("%s: %s, want %s", path, body, want)
		}
		if w.Header().Get("X-Amzn-ErrorType") == "" || w.Header().Get("X-Amzn-RequestId") == "" {
			t.Errorf("%s: header %v", path, w.Header())
		}
	}
}

func TestClientThatHangsUp(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	c := l.client()
	l.call("go", m{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("go"), Payload: []byte(`{"Sleep": 300}`)}); err == nil {
		t.Error("no error")
	}
	l.awaitIdle("go", 1)
	if o := l.call("go", m{}); o.Cold || o.Fault != nil {
		t.Errorf("after: %+v", o)
	}
}
