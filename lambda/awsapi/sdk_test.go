package awsapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"slices"
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
	"github.com/assaylab/assay/lambda/awsapi/model"
	"github.com/assaylab/assay/lambda/control"
)

const role = "arn:aws:iam::000000000000:role/r"

// sdk is AWS's client for Go, as it is, with credentials that nobody verifies.
func (l *lab) sdk() *awslambda.Client { return l.sdkAs("test", "test", "") }

func (l *lab) sdkAs(id, secret, token string) *awslambda.Client {
	return awslambda.New(awslambda.Options{
		Region: assay.EmbeddedRegion, BaseEndpoint: aws.String(l.server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, token), HTTPClient: l.http,
	})
}

// create makes a function of the test's handler.
func (l *lab) create(name string) {
	l.t.Helper()
	code, err := os.ReadFile(handlerZip(l.t))
	if err != nil {
		l.t.Fatal(err)
	}
	timeout := 20
	_, err = l.engine.CreateFunction(l.t.Context(), control.CreateFunctionInput{
		FunctionName: name, Runtime: "provided.al2023", Role: role, Handler: "bootstrap", Code: control.FunctionCode{ZipFile: code}, Timeout: &timeout,
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// invoke calls function f with an event.
func (l *lab) invoke(event string) *awslambda.InvokeOutput {
	l.t.Helper()
	out, err := l.sdk().Invoke(l.t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(event), LogType: types.LogTypeTail})
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

func TestInvoke(t *testing.T) {
	l := newLab(t, Options{})
	l.create("f")
	c := l.sdk()
	for _, name := range []string{"f", "f:$LATEST", "000000000000:function:f", control.FunctionARN("f"), control.FunctionARN("f") + ":$LATEST"} {
		out, err := c.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: &name, Payload: []byte(`{"do": "context"}`), LogType: types.LogTypeTail,
			ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte("{\"custom\":\n{\"k\": \"v\"}}"))),
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got struct{ ID, ARN, Client, Trace string }
		if err := json.Unmarshal(out.Payload, &got); err != nil {
			t.Fatal(err)
		}
		wantARN := control.FunctionARN("f")
		if strings.HasSuffix(name, control.Latest) {
			wantARN += ":" + control.Latest
		}
		if got.ARN != wantARN || got.Client != `{"custom": {"k": "v"}}` || *out.ExecutedVersion != control.Latest || out.FunctionError != nil {
			t.Errorf("%s: %+v %s", name, out, out.Payload)
		}
		h := middleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response).Header
		if h.Get("X-Amzn-RequestId") != got.ID || h.Get("X-Amzn-Remapped-Content-Length") != "0" || h.Get("Content-Type") == "" || h.Get("X-Amzn-Trace-Id") != got.Trace || !strings.HasPrefix(got.Trace, "Root=1-") {
			t.Errorf("header %v, context %+v", h, got)
		}
	}
}

func TestFunctionErrorsAreStatus200(t *testing.T) {
	l := newLab(t, Options{})
	l.create("f")
	for event, want := range map[string]string{
		`{"do": "fail", "text": "no"}`: `{"errorMessage": "no", "errorType": "Boom"}`,
		`{"do": "exit"}`:               `{"errorMessage": "RequestId: <uuid> Error: Runtime exited with error: exit status 3", "errorType": "Runtime.ExitError"}`,
	} {
		out := l.invoke(event)
		if diff := compare(want, out.Payload, map[string]string{}); diff != "" || aws.ToString(out.FunctionError) != "Unhandled" || out.StatusCode != 200 {
			t.Errorf("%s: %s: %v %s", event, diff, aws.ToString(out.FunctionError), out.Payload)
		}
		if log, _ := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult)); !strings.Contains(string(log), "REPORT RequestId") {
			t.Errorf("%s: log %s", event, log)
		}
	}
}

func TestInvokesThatAreRefused(t *testing.T) {
	l := newLab(t, Options{MaxEvent: 1000})
	l.create("f")
	l.create("full")
	if _, err := l.engine.PutFunctionConcurrency("full", 0); err != nil {
		t.Fatal(err)
	}
	large := []byte(`"` + strings.Repeat("x", maxSync) + `"`)
	name := func(s string) *string { return &s }
	for _, tt := range []struct {
		in      awslambda.InvokeInput
		status  int
		code    string
		message string
	}{
		{awslambda.InvokeInput{FunctionName: name("nonesuch")}, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nonesuch:$LATEST"},
		{awslambda.InvokeInput{FunctionName: name("nonesuch"), InvocationType: types.InvocationTypeDryRun}, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nonesuch:$LATEST"},
		{awslambda.InvokeInput{FunctionName: name("f"), Qualifier: name("live")}, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:live"},
		{awslambda.InvokeInput{FunctionName: name("f:1"), Qualifier: name("2")}, 400, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."},
		{awslambda.InvokeInput{FunctionName: name("arn:aws:lambda:eu-west-1:000000000000:function:f")}, 404, "ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
		{awslambda.InvokeInput{FunctionName: name("no such name")}, 400, "ValidationException", "1 validation error detected: Value 'no such name' at 'functionName' failed to satisfy constraint: <any>"},
		{awslambda.InvokeInput{FunctionName: name("f"), Payload: []byte(`{nonsense`)}, 400, "InvalidRequestContentException", "Could not parse request body into json: <any>"},
		{awslambda.InvokeInput{FunctionName: name("f"), ClientContext: name("!")}, 400, "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."},
		{awslambda.InvokeInput{FunctionName: name("f"), Payload: large}, 413, "RequestTooLargeException", "Request must be smaller than 6291556 bytes for the InvokeFunction operation"},
		{awslambda.InvokeInput{FunctionName: name("f"), Payload: large[:1001], InvocationType: types.InvocationTypeEvent}, 413, "RequestTooLargeException", "1001 byte payload is too large for the Event invocation type (limit 1000 bytes)"},
		{awslambda.InvokeInput{FunctionName: name("f"), InvocationType: "Sometimes"}, 400, "ValidationException", "1 validation error detected: Value 'Sometimes' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"},
		{awslambda.InvokeInput{FunctionName: name("full")}, 429, "TooManyRequestsException", "Rate Exceeded."},
	} {
		_, err := l.sdk().Invoke(t.Context(), &tt.in)
		var api smithy.APIError
		var response *awshttp.ResponseError
		if !errors.As(err, &api) || !errors.As(err, &response) {
			t.Errorf("%s: %v", tt.code, err)
			continue
		}
		if diff := like(tt.message, api.ErrorMessage(), map[string]string{}); diff != "" || api.ErrorCode() != tt.code || response.HTTPStatusCode() != tt.status {
			t.Errorf("%d %s, want %d %s: %s", response.HTTPStatusCode(), api.ErrorCode(), tt.status, tt.code, diff)
		}
		var throttle *types.TooManyRequestsException
		if errors.As(err, &throttle) && (throttle.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded || aws.ToString(throttle.RetryAfterSeconds) != "1") {
			t.Errorf("throttled: %+v", throttle)
		}
	}
}

// A function sends a first part and then nothing ever: a client that sees the first part has it while
// the invocation is under way.
func TestStreamsComeWhileTheyAreMade(t *testing.T) {
	l := newLab(t, Options{})
	l.create("f")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, err := l.sdk().InvokeWithResponseStream(ctx, &awslambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f"), Payload: []byte(`{"do": "hang", "text": "the "}`)})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	first, ok := (<-stream.Events()).(*types.InvokeWithResponseStreamResponseEventMemberPayloadChunk)
	if !ok || string(first.Value.Payload) != "the first" {
		t.Errorf("%+v", first)
	}
	if d, err := l.engine.Deployment("f"); err != nil || d.Busy != 1 {
		t.Errorf("deployment %+v, %v", d, err)
	}
}

func TestLargeStreamsComeInChunks(t *testing.T) {
	l := newLab(t, Options{})
	l.create("f")
	text := strings.Repeat("abcdefgh", 400_000) // a buffered answer of 3.2 MB
	out, err := l.sdk().InvokeWithResponseStream(t.Context(), &awslambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f"), Payload: []byte(`"` + text + `"`)})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(out.ExecutedVersion) != control.Latest {
		t.Errorf("version %v", out.ExecutedVersion)
	}
	stream := out.GetStream()
	defer stream.Close()
	var got strings.Builder
	chunks := 0
	for e := range stream.Events() {
		if chunk, ok := e.(*types.InvokeWithResponseStreamResponseEventMemberPayloadChunk); ok {
			chunks++
			got.Write(chunk.Value.Payload)
		}
	}
	if got.String() != `"`+text+`"` || chunks < 4 || stream.Err() != nil {
		t.Errorf("%d bytes in %d chunks, %v", got.Len(), chunks, stream.Err())
	}
}

func TestClientThatHangsUp(t *testing.T) {
	l := newLab(t, Options{})
	l.create("f")
	l.invoke(`{}`)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.sdk().Invoke(ctx, &awslambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"millis": 300}`)}); err == nil {
		t.Error("no error")
	}
	if out := l.invoke(`{"after": true}`); string(out.Payload) != `{"after": true}` {
		t.Errorf("after: %s", out.Payload)
	}
}

// Every operation that the SDK has gets to itself, and is served or refused by its name.
func TestEveryOperationIsRouted(t *testing.T) {
	l := newLab(t, Options{})
	client := reflect.ValueOf(l.sdk())
	served := handlers()
	for name, input := range inputs(client.Type()) {
		results := client.MethodByName(name).Call([]reflect.Value{reflect.ValueOf(t.Context()), input})
		err, _ := results[1].Interface().(error)
		var api smithy.APIError
		switch {
		case served[name] != nil:
			if errors.As(err, &api) && slices.Contains([]string{"UnknownOperationException", "NotImplementedException"}, api.ErrorCode()) {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.As(err, &api) || api.ErrorCode() != "NotImplementedException" || !strings.HasPrefix(api.ErrorMessage(), name+" "):
			t.Errorf("%s: %v", name, err)
		}
	}
	operations, err := model.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name := range served {
		if !slices.ContainsFunc(operations, func(o *model.Operation) bool { return o.Name == name }) {
			t.Errorf("%s is served, and no operation", name)
		}
	}
}

// inputs makes an input for each of a client's operations, with something in each required member.
func inputs(client reflect.Type) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for i := range client.NumMethod() {
		m := client.Method(i)
		if m.Type.NumIn() != 4 {
			continue // no operation
		}
		in := reflect.New(m.Type.In(2).Elem())
		fillIn(in.Elem())
		all[m.Name] = in
	}
	return all
}

func fillIn(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanSet() {
			continue
		}
		switch f.Interface().(type) {
		case *string:
			f.Set(reflect.ValueOf(aws.String("x")))
		case *int64:
			f.Set(reflect.ValueOf(aws.Int64(1)))
		case *float64:
			f.Set(reflect.ValueOf(aws.Float64(1)))
		case *int32:
			f.Set(reflect.ValueOf(aws.Int32(1)))
		default:
			fillOther(f)
		}
	}
}

func fillOther(f reflect.Value) {
	switch {
	case f.Kind() == reflect.String:
		f.SetString("x")
	case f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct:
		f.Set(reflect.New(f.Type().Elem()))
		fillIn(f.Elem())
	case f.Kind() == reflect.Map && f.Type().Elem().Kind() == reflect.String:
		f.Set(reflect.MakeMap(f.Type()))
		f.SetMapIndex(reflect.ValueOf("x"), reflect.ValueOf("x"))
	case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String:
		f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		f.Index(0).SetString("x")
	case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct && f.Type().Elem().NumField() > 0:
		f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		fillIn(f.Index(0))
	}
}

func TestPathsThatAreNone(t *testing.T) {
	l := newLab(t, Options{})
	for _, path := range []string{"/", "/x", "/2015-03-31", "/2015-03-31/functions//invocations", "/2015-03-31//functions", "/snapshots/x"} {
		response, err := l.http.Get(l.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound || response.Header.Get("X-Amzn-ErrorType") != "UnknownOperationException" {
			t.Errorf("%s: %d %s", path, response.StatusCode, body)
		}
	}
}
