package awsapi

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/awsapi/model"
	"github.com/assaylab/assay/lambda/control"
)

// maxRequest is what a request may have that carries code: 50 MB in base64, as AWS has it.
const maxRequest = 70167211

// small bodies are read without asking how many are read already.
const small = 1 << 20

// There may be so many requests with a large body at once, and each has so long to come in.
const (
	maxLarge   = 4
	uploadTime = 2 * time.Minute
)

// handler serves one call: what it returns is the answer's JSON, nothing if nil, or writes itself.
type handler func(*call) (any, error)

// selfWriter is an answer that is not JSON alone.
type selfWriter interface{ write(*call) }

// call is one request of an operation.
type call struct {
	*API
	op   operation
	w    http.ResponseWriter
	r    *http.Request
	id   string // the request id
	body []byte

	values url.Values // of the query
}

// operate serves a request, once it is known whose, and that AWS's model allows it.
func (a *API) operate(w http.ResponseWriter, r *http.Request, op operation) {
	c := &call{API: a, op: op, w: w, r: r, id: uuid.NewString(), values: r.URL.Query()}
	w.Header().Set("X-Amzn-RequestId", c.id)
	answer, err := c.run()
	var goneErr *goneError
	switch {
	case errors.As(err, &goneErr):
	case err != nil:
		e := apiError(err)
		if e.Status >= http.StatusInternalServerError {
			a.opts.Log.Warn("an AWS operation failed", "operation", op.Name, "request", c.id, "error", err)
		}
		writeError(w, e)
	default:
		c.answer(answer)
	}
}

func (c *call) answer(v any) {
	switch v := v.(type) {
	case selfWriter:
		v.write(c)
	case nil:
		c.w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(c.w, c.op.Status, v)
	}
}

func (c *call) run() (any, error) {
	if refusal := c.admitHost(c.r); refusal != nil {
		return nil, refusal
	}
	if c.verifier == nil { // nothing is read for those who are not let in
		if refusal := c.admit(c.r, nil); refusal != nil {
			return nil, refusal
		}
	}
	release, err := c.hold()
	if err != nil {
		return nil, err
	}
	defer release()
	if err := c.read(); err != nil {
		return nil, err
	}
	if c.verifier != nil {
		if refusal := c.admit(c.r, func() [sha256.Size]byte { return sha256.Sum256(c.body) }); refusal != nil {
			return nil, refusal
		}
	}
	if c.op.serve == nil {
		return nil, &control.APIError{Status: http.StatusNotImplemented, Code: "NotImplementedException", Message: c.op.Name + " is not supported by the embedded engine."}
	}
	members, err := c.members()
	if err != nil {
		return nil, err
	}
	if err := c.check(members); err != nil {
		return nil, err
	}
	return c.op.serve(c)
}

// goneError says that the client has hung up: there is nobody to answer.
type goneError struct{ err error }

func (e *goneError) Error() string { return "the client has gone: " + e.err.Error() }

// hold takes a place among the requests that carry code, which are large: only a few are read at a time.
func (c *call) hold() (release func(), err error) {
	if c.invokes() || c.r.ContentLength >= 0 && c.r.ContentLength <= small {
		return func() {}, nil
	}
	select {
	case c.large <- struct{}{}:
		http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(uploadTime)) // a writer that cannot has no slow client
		return func() {
			http.NewResponseController(c.w).SetReadDeadline(time.Time{})
			<-c.large
		}, nil
	case <-c.r.Context().Done():
		return nil, &goneError{c.r.Context().Err()}
	}
}

// read reads the body within the operation's limit.
func (c *call) read() error {
	limit, name := int64(maxRequest), c.op.Name
	if c.invokes() {
		limit, name = maxSync, "InvokeFunction"
	}
	body, err := readWithin(c.r, limit)
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge("Request must be smaller than %d bytes for the %s operation", limit, name)
	case err != nil:
		return &goneError{err}
	case c.isEvent() && len(body) > c.opts.MaxEvent:
		return tooLarge("%d byte payload is too large for the Event invocation type (limit %d bytes)", len(body), c.opts.MaxEvent)
	}
	c.body = body
	return nil
}

func tooLarge(format string, args ...any) *control.APIError {
	return &control.APIError{Status: http.StatusRequestEntityTooLarge, Code: "RequestTooLargeException", Message: fmt.Sprintf(format, args...)}
}

var errTooLarge = errors.New("the body is too large")

// readWithin reads a body. Of one that is too large it reads no more than it must to know.
func readWithin(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	if r.ContentLength >= 0 && r.ContentLength <= small { // no memory for what is only announced
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		return nil, errTooLarge
	}
	return body, err
}

// members are those of a body that is a JSON object. Payloads are not looked into.
func (c *call) members() (map[string]json.RawMessage, error) {
	if len(c.body) == 0 || c.invokes() {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &members); err != nil {
		return nil, &model.MalformedError{Message: "Could not parse request body into json: " + err.Error()}
	}
	return members, nil
}

func (c *call) check(members map[string]json.RawMessage) error {
	return c.op.Check(model.Input{
		Path:   c.r.PathValue,
		Query:  func(name string) []string { return c.values[name] },
		Header: c.r.Header.Get,
		Body:   members,
	})
}

// decode reads the body into an operation's input.
func (c *call) decode(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return &model.MalformedError{Message: "Could not parse request body into json: " + err.Error()}
	}
	return nil
}

func (c *call) query(name string) string { return c.values.Get(name) }

// page is the Marker and MaxItems of a list; 0 stands for as many as AWS gives.
func (c *call) page() (marker string, max int) {
	max, _ = strconv.Atoi(c.query("MaxItems")) // a number, the model says
	return c.query("Marker"), max
}

// function reads the function's name, and the qualifier in it or beside it.
func (c *call) function() (name, qualifier string, err error) {
	ref, err := c.refer(c.r.PathValue("FunctionName"))
	if err != nil {
		return "", "", err
	}
	qualifier = c.query("Qualifier")
	if ref.Qualifier != "" && qualifier != "" && ref.Qualifier != qualifier {
		return "", "", badParameter("The derived qualifier from the function name does not match the specified qualifier.")
	}
	if qualifier == "" {
		qualifier = ref.Qualifier
	}
	return ref.Name, qualifier, nil
}

// refer reads a function's name or ARN. An account in it is not looked at: there is one.
func (c *call) refer(s string) (control.Reference, error) {
	ref, ok := control.ParseReference(s)
	switch {
	case !ok:
		return ref, &control.APIError{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Function not found: " + control.FunctionARN(s)}
	case ref.Region != "" && ref.Region != assay.EmbeddedRegion:
		return ref, &control.APIError{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: fmt.Sprintf("Functions from '%s' are not reachable in this region ('%s')", ref.Region, assay.EmbeddedRegion)}
	}
	return ref, nil
}
