package awsapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/assaylab/assay/lambda"
)

// maxChunk is what one message of an event stream carries at most.
const maxChunk = 1 << 20

// invokeStream answers with an event stream: the function's answer in chunks as they come, and at the end
// what became of the invocation.
func invokeStream(c *call) (any, error) {
	in, err := c.invocation()
	if err != nil {
		return nil, err
	}
	if c.r.Header.Get("X-Amz-Invocation-Type") == "DryRun" {
		return status(http.StatusNoContent), nil
	}
	s := &eventSink{call: c, encoder: eventstream.NewEncoder(), version: c.certainVersion(in)}
	r, err := c.opts.Engine.InvokeStream(c.r.Context(), in, s)
	if err == nil && !s.begun {
		err = refused(r)
	}
	if err != nil {
		return nil, err
	}
	return streamed{s, r}, nil
}

// certainVersion is the version that a call runs, known before it does: not if an alias has two.
func (c *call) certainVersion(in lambda.Call) string {
	if a, err := c.opts.Plane.GetAlias(in.Function, in.Qualifier); err == nil && a.RoutingConfig != nil {
		return ""
	}
	v, err := c.opts.Plane.Version(in.Function, in.Qualifier)
	if err != nil {
		return "" // deleted meanwhile: the call fails
	}
	return v.Version
}

// eventSink writes an answer as an event stream.
type eventSink struct {
	*call
	encoder *eventstream.Encoder
	version string // "" leaves it out of the head
	begun   bool
}

// Begin implements lambda.Sink. The content type of the function's answer has no place in AWS's stream.
func (s *eventSink) Begin(string) {
	s.begun = true
	h := s.w.Header()
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	h.Set("X-Amzn-Remapped-Content-Length", "0")
	if s.version != "" {
		h.Set("X-Amz-Executed-Version", s.version)
	}
	s.w.WriteHeader(http.StatusOK)
	s.flush()
}

func (s *eventSink) flush() { http.NewResponseController(s.w).Flush() } // a client that has gone is told by Write

// Write implements lambda.Sink.
func (s *eventSink) Write(p []byte) (n int, err error) {
	for n < len(p) {
		chunk := p[n:min(len(p), n+maxChunk)]
		if err := s.send("PayloadChunk", "application/octet-stream", chunk); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	s.flush()
	return n, nil
}

func (s *eventSink) send(event, contentType string, payload []byte) error {
	m := eventstream.Message{Payload: payload}
	m.Headers.Set(":event-type", eventstream.StringValue(event))
	m.Headers.Set(":content-type", eventstream.StringValue(contentType))
	m.Headers.Set(":message-type", eventstream.StringValue("event"))
	return s.encoder.Encode(s.w, m)
}

// invokeComplete is the last event of a stream.
type invokeComplete struct {
	ErrorCode    string `json:",omitempty"`
	ErrorDetails string `json:",omitempty"`
	LogResult    string `json:",omitempty"`
}

// streamed is the end of a streamed answer.
type streamed struct {
	sink   *eventSink
	result *lambda.Result
}

func (s streamed) write(c *call) {
	if !s.sink.begun { // the function failed before it answered anything
		invoked{s.result}.head(c.w.Header())
		s.sink.Begin("")
	}
	var end invokeComplete
	if s.result.Fault != nil {
		end.ErrorCode, end.ErrorDetails = s.result.Fault.Type, string(s.result.Payload)
	}
	if c.r.Header.Get("X-Amz-Log-Type") == "Tail" {
		end.LogResult = base64.StdEncoding.EncodeToString(s.result.Log)
	}
	payload, _ := json.Marshal(end)                            // strings always marshal
	s.sink.send("InvokeComplete", "application/json", payload) // nobody to tell if it fails
	s.sink.flush()
}
