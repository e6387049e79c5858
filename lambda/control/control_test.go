package control

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// zipped is a zip of files by name.
func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(content))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)} }

func open(t testing.TB, opts Options) *Plane {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	p, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func input(t testing.TB, name string) CreateFunctionInput {
	return CreateFunctionInput{
		FunctionName: name, Runtime: "python3.12", Handler: "main.handler", Role: "arn:aws:iam::000000000000:role/r",
		Code: FunctionCode{ZipFile: zipped(t, map[string]string{"main.py": "handler = print"})},
	}
}

func create(t testing.TB, p *Plane, name string) FunctionConfiguration {
	t.Helper()
	c, err := p.CreateFunction(context.Background(), input(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refused checks an APIError's status, code and the beginning of its message.
func refused(t testing.TB, err error, status int, code, message string) {
	t.Helper()
	var e *APIError
	if !errors.As(err, &e) || e.Status != status || e.Code != code || !strings.HasPrefix(e.Message, message) {
		t.Errorf("error %v, want %d %s: %s", err, status, code, message)
	}
}

func TestCreateSettles(t *testing.T) {
	c := newClock()
	p := open(t, Options{Now: c.read, Transition: time.Second})
	created := create(t, p, "f")
	if created.State != "Pending" || created.StateReasonCode != "Creating" || created.StateReason != "The function is being created." || created.LastUpdateStatus != "" {
		t.Errorf("created: %+v", created)
	}
	if created.LastModified != "2026-11-21T02:00:00.000+0000" || created.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:f" {
		t.Errorf("created: %+v", created)
	}
	_, err := p.UpdateFunctionConfiguration(context.Background(), "f", UpdateFunctionConfigurationInput{})
	refused(t, err, http.StatusConflict, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:us-east-1:000000000000:function:f")
	c.now = c.now.Add(time.Second)
	active, err := p.GetFunctionConfiguration("f", "")
	if err != nil || active.State != "Active" || active.LastUpdateStatus != "Successful" || active.StateReason != "" || active.RevisionId == created.RevisionId {
		t.Errorf("active: %+v, %v", active, err)
	}
	description := "new"
	updated, err := p.UpdateFunctionConfiguration(context.Background(), "f", UpdateFunctionConfigurationInput{Description: &description, RevisionId: active.RevisionId})
	if err != nil || updated.State != "Active" || updated.LastUpdateStatus != "InProgress" || updated.Description != "new" {
		t.Errorf("updated: %+v, %v", updated, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	p := open(t, Options{})
	create(t, p, "taken")
	big, small := 99999, 1
	for name, c := range map[string]struct {
		change        func(*CreateFunctionInput)
		status        int
		code, message string
	}{
		"taken": {func(in *CreateFunctionInput) { in.FunctionName = "taken" }, 409, "ResourceConflictException", "Function already exist: taken"},
		"memory": {func(in *CreateFunctionInput) { in.MemorySize = &small }, 400, "ValidationException",
			"1 validation error detected: Value '1' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"},
		"much memory": {func(in *CreateFunctionInput) { in.MemorySize = &big }, 400, "InvalidParameterValueException", "'MemorySize' value failed to satisfy constraint"},
		"timeout":     {func(in *CreateFunctionInput) { in.Timeout = &big }, 400, "ValidationException", "1 validation error detected: Value '99999' at 'timeout'"},
		"runtime": {func(in *CreateFunctionInput) { in.Runtime = "cobol" }, 400, "InvalidParameterValueException",
			"Value cobol at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: ["},
		"no zip":  {func(in *CreateFunctionInput) { in.Code.ZipFile = nil }, 400, "InvalidParameterValueException", "Please provide a source for function code."},
		"bad zip": {func(in *CreateFunctionInput) { in.Code.ZipFile = []byte("PK") }, 400, "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again."},
		"climbing": {func(in *CreateFunctionInput) {
			in.Code.ZipFile = zipped(t, map[string]string{"../x": "x"})
		}, 400, "InvalidParameterValueException", "Could not unzip uploaded file."},
		"environment": {func(in *CreateFunctionInput) {
			in.Environment = &Environment{map[string]string{"A": strings.Repeat("x", 4<<10)}}
		}, 400, "InvalidParameterValueException", "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {\"A\":\"xxx"},
		"reserved variable": {func(in *CreateFunctionInput) {
			in.Environment = &Environment{map[string]string{"AWS_REGION": "x"}}
		}, 400, "InvalidParameterValueException", "Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"},
		"architecture": {func(in *CreateFunctionInput) { in.Architectures = []string{"sparc"} }, 400, "ValidationException", "1 validation error detected: Value '[sparc]' at 'architectures'"},
		"layers":       {func(in *CreateFunctionInput) { in.Layers = make([]string, 6) }, 400, "InvalidParameterValueException", "Cannot reference more than 5 layers."},
		"no layer": {func(in *CreateFunctionInput) { in.Layers = []string{LayerARN("l") + ":1"} }, 400, "InvalidParameterValueException",
			"Layer version arn:aws:lambda:us-east-1:000000000000:layer:l:1 does not exist."},
		"queue": {func(in *CreateFunctionInput) {
			in.DeadLetterConfig = &DeadLetterConfig{"arn:aws:sqs:us-east-1:000000000000:q"}
		}, 400, "InvalidParameterValueException", "The provided destination config DestinationArn arn:aws:sqs:us-east-1:000000000000:q is invalid: the embedded engine has no SQS."},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(t, "f")
			c.change(&in)
			_, err := p.CreateFunction(context.Background(), in)
			refused(t, err, c.status, c.code, c.message)
			if _, err := p.GetFunction("f", ""); err == nil {
				t.Error("it was created all the same")
			}
		})
	}
}
