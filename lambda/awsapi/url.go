package awsapi

import (
	"crypto/sha256"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/event"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/lambda/sigv4"
)

// urlPath begins the paths of function URLs for clients that cannot resolve their hosts.
const urlPath = "/lambda-url/"

const urlHost = ".lambda-url." + assay.EmbeddedRegion + ".localhost"

var urlID = regexp.MustCompile(`^[a-z2-7]{32}$`)

// urlOfHost finds the id in a host like ID.lambda-url.us-east-1.localhost:4566, or in AWS's own form.
func urlOfHost(host string) (id string, ok bool) {
	id, rest, ok := strings.Cut(host, ".lambda-url.")
	return id, ok && rest != "" && urlID.MatchString(id)
}

// urlOfPath finds the id in a path like /lambda-url/ID/and/the/rest.
func urlOfPath(path string) (id, rest string, ok bool) {
	after, ok := strings.CutPrefix(path, urlPath)
	if !ok {
		return "", "", false
	}
	id, rest, _ = strings.Cut(after, "/")
	return id, "/" + rest, urlID.MatchString(id)
}

// atPath is a request by the path form as the host form would have it.
func atPath(r *http.Request, id, path string) *http.Request {
	at := *r
	u := *r.URL
	u.RawPath = path
	u.Path, _ = url.PathUnescape(path) // it was one before
	at.URL, at.Host = &u, withPort(id+urlHost, r.Host)
	return &at
}

// withPort gives a host the port of another.
func withPort(host, other string) string {
	if _, port, err := net.SplitHostPort(other); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host
}

// here is a URL's configuration with the address at which this API serves it.
func (c *call) here(u control.FunctionURLConfig) control.FunctionURLConfig {
	if at, err := url.Parse(u.FunctionUrl); err == nil {
		if id, ok := urlOfHost(at.Host); ok {
			u.FunctionUrl = scheme(c.r) + "://" + withPort(id+urlHost, c.r.Host) + "/"
		}
	}
	return u
}

// site is one request to a function URL.
type site struct {
	*API
	w      http.ResponseWriter
	r      *http.Request
	ref    control.Reference
	config control.FunctionURLConfig
	id     string // of the invocation
}

const forbiddenURL = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

func (a *API) serveURL(w http.ResponseWriter, r *http.Request, id string) {
	s := &site{API: a, w: w, r: r, id: uuid.NewString()}
	h := w.Header()
	h.Set("X-Amzn-RequestId", s.id)
	var ok bool
	if s.ref, s.config, ok = a.opts.Plane.FindURL(id); !ok {
		h.Set("X-Amzn-ErrorType", "ResourceNotFoundException")
		writeJSON(w, http.StatusNotFound, map[string]any{"Message": nil})
		return
	}
	if s.config.Cors != nil && cors(*s.config.Cors).answer(w, r) {
		return
	}
	s.serve()
}

func (s *site) serve() {
	body, err := readWithin(s.r, maxSync)
	switch {
	case errors.Is(err, errTooLarge):
		writeJSON(s.w, http.StatusRequestEntityTooLarge, map[string]string{"message": "Request Entity Too Large"})
		return
	case err != nil:
		return // the client has gone
	}
	caller, refusal := s.authorize(body)
	if refusal != nil {
		s.w.Header().Set("X-Amzn-ErrorType", refusal.Code)
		writeJSON(s.w, refusal.Status, map[string]string{memberOf(refusal): refusal.Message})
		return
	}
	payload, err := event.EncodeURL(s.invocation(body), caller)
	if err != nil { // of our own types
		s.respond(event.BadGateway())
		return
	}
	in := lambda.Call{Function: s.ref.Name, Qualifier: s.ref.Qualifier, ID: s.id, Payload: payload, TraceID: s.r.Header.Get("X-Amzn-Trace-Id")}
	if s.config.InvokeMode == "RESPONSE_STREAM" {
		s.stream(in)
		return
	}
	s.buffered(in)
}

func memberOf(e *control.APIError) string {
	if e.Message == forbiddenURL {
		return "Message"
	}
	return "message"
}

// authorize finds out who calls: nobody in particular where the URL is public and its policy says so too.
// A signature is verified if credentials are known; else whoever may use this address is trusted.
func (s *site) authorize(body []byte) (*event.Caller, *control.APIError) {
	refused := &control.APIError{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: forbiddenURL}
	if s.config.AuthType == "NONE" {
		if !s.opts.Plane.MayInvokeURL(s.ref.Name, s.ref.Qualifier) {
			return nil, refused
		}
		return nil, nil
	}
	if !sigv4.Signed(s.r) {
		return nil, refused
	}
	caller := &event.Caller{AccountID: assay.EmbeddedAccount, ARN: "arn:aws:iam::" + assay.EmbeddedAccount + ":root"}
	if s.verifier == nil {
		return caller, s.admit(s.r, nil)
	}
	c, refusal := s.verifier.Verify(s.r, sha256.Sum256(body))
	if refusal != nil {
		return nil, forbidden(refusal.Code, refusal.Message)
	}
	caller.AccessKeyID = c.AccessKeyID
	return caller, nil
}

// invocation is the request as rooms know it.
func (s *site) invocation(body []byte) *assay.Invocation {
	header := assay.Header(s.r.Header).Clone()
	header.DelHopByHop()
	return &assay.Invocation{ID: s.id, Received: s.opts.Now(), Request: &assay.Request{
		Method: s.r.Method, Scheme: scheme(s.r), Host: s.r.Host, Path: s.r.URL.EscapedPath(), Query: s.r.URL.RawQuery,
		Proto: s.r.Proto, RemoteAddr: s.r.RemoteAddr, Header: header, Body: body,
	}}
}

func (s *site) buffered(in lambda.Call) {
	r, err := s.opts.Engine.Invoke(s.r.Context(), in)
	if err != nil || r.Status != http.StatusOK || r.Fault != nil {
		s.fail(r, err)
		return
	}
	answer, err := event.Decode(event.URL, r.Payload)
	if err != nil {
		s.opts.Log.Warn("a function URL's function returned what no response can be made of", "function", s.ref.Name, "request", s.id, "error", err)
		answer = event.BadGateway()
	}
	s.w.Header().Set("X-Amzn-Trace-Id", r.TraceID)
	s.respond(answer)
}

// fail answers in place of the function.
func (s *site) fail(r *lambda.Result, err error) {
	var gone *goneError
	if err == nil {
		err = refused(r)
	}
	switch {
	case errors.As(err, &gone):
	case err != nil && apiError(err).Status == http.StatusTooManyRequests:
		writeError(s.w, apiError(err))
	default:
		s.respond(event.BadGateway())
	}
}

func (s *site) respond(r event.Response) {
	s.head(r.Status, r.Header)
	s.w.Write(r.Body)
}

// head writes a response's head. CORS fields come from the configuration if it has any.
func (s *site) head(status int, header assay.Header) {
	h := s.w.Header()
	header.DelHopByHop()
	delete(header, "Content-Length") // it is told by what is written
	maps.Copy(h, http.Header(header))
	if s.config.Cors != nil {
		cors(*s.config.Cors).allow(h, s.r.Header.Get("Origin"))
	}
	s.w.WriteHeader(status)
}

// stream hands an answer on while it comes.
func (s *site) stream(in lambda.Call) {
	sink := &urlSink{site: s}
	r, err := s.opts.Engine.InvokeStream(s.r.Context(), in, sink)
	switch {
	case err == nil && r.Status == http.StatusOK && r.Fault == nil && sink.end() == nil:
	case sink.written:
		panic(http.ErrAbortHandler) // the client must see that its answer is not whole
	default:
		s.fail(r, err)
	}
}

// urlSink writes a streamed answer, whose head is in its prelude if its content type says so.
type urlSink struct {
	*site
	prelude *event.Prelude // nil once the head is known
	begun   bool
	written bool // the head
}

// Begin implements lambda.Sink.
func (u *urlSink) Begin(contentType string) {
	u.begun = true
	if contentType == event.PreludeType {
		u.prelude = &event.Prelude{}
		return
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	u.start(event.Response{Status: http.StatusOK, Header: assay.Header{"Content-Type": {contentType}}})
}

func (u *urlSink) start(r event.Response) {
	u.prelude, u.written = nil, true
	u.head(r.Status, r.Header)
	u.flush()
}

func (u *urlSink) flush() { http.NewResponseController(u.w).Flush() } // a client that has gone is told by Write

// Write implements lambda.Sink.
func (u *urlSink) Write(p []byte) (int, error) {
	rest := p
	if u.prelude != nil {
		r, body, err := u.prelude.Feed(p)
		if err != nil {
			return 0, err
		}
		if r == nil {
			return len(p), nil
		}
		u.start(*r)
		rest = body
	}
	if _, err := u.w.Write(rest); err != nil {
		return 0, err
	}
	u.flush()
	return len(p), nil
}

// end tells whether the answer is whole.
func (u *urlSink) end() error {
	if u.begun && !u.written {
		return errors.New("the answer ended within its prelude")
	}
	return nil
}
