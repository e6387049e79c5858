package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// tape is a Sink that remembers.
type tape struct {
	contentType string
	bytes.Buffer
	each func(part string) error // hears of each part, if not nil
}

func (s *tape) Begin(contentType string) { s.contentType = contentType }

func (s *tape) Write(p []byte) (int, error) {
	s.Buffer.Write(p)
	if s.each != nil {
		return len(p), s.each(string(p))
	}
	return len(p), nil
}

// stream invokes a function with a sink.
func (l lab) stream(ctx context.Context, name string, event any, sink Sink) *Result {
	l.t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		l.t.Fatal(err)
	}
	r, err := l.InvokeStream(ctx, Call{Function: name, Payload: payload}, sink)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

func TestStreams(t *testing.T) {
	l := newLab(t, Options{}, nodeFn(t, "index.stream"))
	for _, tt := range []struct {
		do, streamed, contentType, fault string
	}{
		{"plain", "onetwothree", "application/octet-stream", ""},
		{"type", "onetwothree", "text/event-stream", ""},
		{"http", "{\"statusCode\":201,\"headers\":{\"x-id\":\"…\"}}\x00\x00\x00\x00\x00\x00\x00\x00onetwothree", "application/vnd.awslambda.http-integration-response", ""},
		{"nothing", "", "application/octet-stream", ""},
		{"early", "", "", "TypeError"},
		{"never", "", "", "Error"},
		{"late", "one", "application/octet-stream", "RangeError"},
		{"uncaught", "one", "application/octet-stream", "RangeError"},
		{"exit", "one", "application/octet-stream", "Runtime.TruncatedResponse"},
	} {
		var sink tape
		r := l.stream(t.Context(), "node", m{"do": tt.do}, &sink)
		fault := ""
		if r.Fault != nil {
			fault = r.Fault.Type
		}
		if !like(sink.String(), tt.streamed) || sink.contentType != tt.contentType || fault != tt.fault || (r.FunctionError != "") != (fault != "") {
			t.Errorf("%s: streamed %q as %q, fault %+v", tt.do, &sink, sink.contentType, r.Fault)
		}
		if tt.fault == "" && r.Streamed != int64(sink.Len()) || tt.fault != "" && len(r.Payload) == 0 {
			t.Errorf("%s: result %+v", tt.do, r)
		}
	}
	o := l.call("node", m{"do": "type"}) // collected
	if string(o.Body) != "onetwothree" || o.Fault != nil {
		t.Errorf("%s %+v", o.Body, o.Fault)
	}
	if o := l.call("node", m{"do": "large", "size": 7}); o.Fault == nil || o.Fault.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("7 MiB, collected: fault %+v", o.Fault)
	}
	var sink tape
	if r := l.stream(t.Context(), "node", m{"do": "large", "size": 20}, &sink); r.Fault != nil || sink.Len() != 20<<20 {
		t.Errorf("20 MiB: %d bytes, fault %+v", sink.Len(), r.Fault)
	}
}

func TestStreamingHandlersMustBeAsync(t *testing.T) {
	l := newLab(t, Options{}, nodeFn(t, "index.notAsync"))
	var sink tape
	if r := l.stream(t.Context(), "node", m{}, &sink); r.Fault == nil || !strings.Contains(r.Fault.Message, "non-async") {
		t.Errorf("fault %+v", r.Fault)
	}
}

func TestBufferedAnswersGoIntoTheSinkAtOnce(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	var sink tape
	r := l.stream(t.Context(), "go", m{"ID": 7}, &sink)
	if !like(sink.String(), `{"id":7,…}`) || sink.contentType != "application/json" || r.Payload != nil || r.Fault != nil {
		t.Errorf("streamed %q as %q, %+v", &sink, sink.contentType, r)
	}
	r = l.stream(t.Context(), "go", m{"Do": "fail"}, &sink)
	if r.FunctionError != "Unhandled" || !like(string(r.Payload), `…"it failed"…`) {
		t.Errorf("%+v", r)
	}
}

// The function goes on only when its first part has come through.
func TestPartsComeWhenTheyAreWritten(t *testing.T) {
	l := newLab(t, Options{}, nodeFn(t, "index.stream"))
	file := "/tmp/go on"
	sink := tape{each: func(part string) error {
		if part == "one" {
			return os.WriteFile(l.outside(file), nil, 0o644)
		}
		return nil
	}}
	if r := l.stream(t.Context(), "node", m{"do": "step", "file": "/tmp/go on"}, &sink); r.Fault != nil || sink.String() != "onetwothree" {
		t.Errorf("%q, fault %+v", &sink, r.Fault)
	}
}

// A listener who leaves, or takes nothing any longer, holds no environment for longer than the
// function's time.
func TestListenersThatLeave(t *testing.T) {
	fn := nodeFn(t, "index.stream")
	fn.Timeout = 2 * time.Second
	l := newLab(t, Options{Concurrency: 1}, fn)

	ctx, cancel := context.WithCancel(t.Context())
	r := l.stream(ctx, "node", m{"do": "sleep"}, &tape{each: func(string) error { cancel(); return nil }})
	if r.Status != 0 || r.Fault == nil || r.Fault.Kind != assay.FaultCanceled {
		t.Errorf("canceled: %+v", r)
	}
	r = l.stream(t.Context(), "node", m{"do": "plain"}, &tape{each: func(string) error { return errors.New("deaf") }})
	if r.Fault != nil {
		t.Errorf("deaf: %+v", r.Fault)
	}
	var o *assay.Observation
	r = l.stream(t.Context(), "node", m{"do": "endless"}, &tape{each: func(string) error {
		if o == nil {
			o = l.call("node", m{}) // gets the one environment when the time of this stream is up
		}
		return nil
	}})
	if r.Fault == nil || r.Fault.Kind != assay.FaultTimeout || o.Fault != nil || string(o.Body) != "onetwothree" {
		t.Errorf("stuck: %+v; meanwhile %+v", r.Fault, o)
	}
}
