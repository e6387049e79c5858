// Package event turns HTTP requests into the events that AWS gives functions behind an API, and what
// functions return into HTTP responses. In comes an Invocation with a Request, out goes its payload; in
// comes a function's answer, out go status, header and body, as API Gateway makes them.
//
// The formats are those of AWS's documentation: "Create Lambda proxy integrations for HTTP APIs" (v2,
// v1), "Lambda proxy integrations in API Gateway" (v1), "Invoking Lambda function URLs" (url) and "Use
// Lambda functions as targets of an Application Load Balancer" (alb).
package event

import (
	"encoding/base64"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assaylab/assay"
)

// Format is the format of events and of what functions return.
type Format string

// The formats: V2 is that of HTTP APIs, V1 that of REST APIs, URL that of function URLs, ALB that of
// load balancers.
const (
	V2  Format = "v2"
	V1  Format = "v1"
	URL Format = "url"
	ALB Format = "alb"
)

func (f Format) valid() bool {
	switch f {
	case "", V2, V1, URL, ALB:
		return true
	}
	return false
}

// Encode makes the event of an invocation's request. It is the same each time: the time in it is when
// the client's call came in, the request id is the invocation's. The zero Format is V2.
func Encode(f Format, inv *assay.Invocation) ([]byte, error) { return Route{}.Encode(f, inv) }

// Where events come from, in AWS's terms.
const (
	account = assay.EmbeddedAccount
	api     = "assay"
	route   = "$default"
	proxy   = "/{proxy+}"
	clf     = "02/Jan/2006:15:04:05 -0700" // how API Gateway writes times
)

// eventV2 is the event with what aws-lambda-go's type cannot leave empty.
type eventV2 struct {
	events.APIGatewayV2HTTPRequest
	RequestContext contextV2 `json:"requestContext"`
}

type contextV2 struct {
	events.APIGatewayV2HTTPRequestContext
	Authentication *events.APIGatewayV2HTTPRequestContextAuthentication `json:"authentication"` // of clients with certificates
}

func encodeV2(r Route, inv *assay.Invocation) eventV2 {
	req := inv.Request
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: r.key(), RawPath: req.Path, RawQueryString: req.Query,
		Cookies: cookies(req), Headers: map[string]string{}, PathParameters: r.parameters(req.Path),
	}
	e.Body, e.IsBase64Encoded = body(req, textual(req))
	for name, values := range header(inv) {
		if name != "Cookie" {
			e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	if parameters := query(req); len(parameters) > 0 {
		e.QueryStringParameters = map[string]string{}
		for name, values := range parameters {
			e.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	return eventV2{e, contextV2{APIGatewayV2HTTPRequestContext: events.APIGatewayV2HTTPRequestContext{
		RouteKey: r.key(), AccountID: account, Stage: route, RequestID: inv.ID, APIID: api,
		DomainName: hostname(req.Host), DomainPrefix: prefix(req.Host),
		Time: inv.Received.UTC().Format(clf), TimeEpoch: inv.Received.UnixMilli(),
		HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
			Method: req.Method, Path: req.Path, Protocol: req.Proto,
			SourceIP: hostname(req.RemoteAddr), UserAgent: req.Header.Get("User-Agent"),
		},
	}}}
}

// eventV1 is the event with what aws-lambda-go's type leaves out, and AWS does not.
type eventV1 struct {
	events.APIGatewayProxyRequest
	Body            *string `json:"body"` // null if there is none
	IsBase64Encoded bool    `json:"isBase64Encoded"`
}

func encodeV1(r Route, inv *assay.Invocation) eventV1 {
	req := inv.Request
	resource := r.resource()
	e := eventV1{APIGatewayProxyRequest: events.APIGatewayProxyRequest{
		Resource: resource, Path: req.Path, HTTPMethod: req.Method, MultiValueHeaders: header(inv),
		PathParameters: Route{Path: resource}.parameters(req.Path),
		RequestContext: events.APIGatewayProxyRequestContext{
			AccountID: account, ResourceID: api, ResourcePath: resource, Path: req.Path, Stage: route, APIID: api,
			DomainName: hostname(req.Host), DomainPrefix: prefix(req.Host),
			RequestID: inv.ID, ExtendedRequestID: inv.ID, Protocol: req.Proto, HTTPMethod: req.Method,
			Identity: events.APIGatewayRequestIdentity{
				SourceIP: hostname(req.RemoteAddr), UserAgent: req.Header.Get("User-Agent"),
			},
			RequestTime: inv.Received.UTC().Format(clf), RequestTimeEpoch: inv.Received.UnixMilli(),
		},
	}}
	if len(req.Body) > 0 {
		text, encoded := body(req, true)
		e.Body, e.IsBase64Encoded = &text, encoded
	}
	e.Headers = last(e.MultiValueHeaders)
	if parameters := query(req); len(parameters) > 0 {
		e.MultiValueQueryStringParameters, e.QueryStringParameters = parameters, last(parameters)
	}
	return e
}

// last takes the last of each key's values, as API Gateway does where it has room for one.
func last(all map[string][]string) map[string]string {
	m := map[string]string{}
	for name, values := range all {
		m[name] = values[len(values)-1]
	}
	return m
}

// header is the header as AWS gives it to a function: what the client sent, and how it came.
func header(inv *assay.Invocation) assay.Header {
	req := inv.Request
	h := assay.Header{}
	for name, values := range req.Header {
		if len(values) > 0 {
			h[name] = values
		}
	}
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("Host", req.Host)
	set("X-Forwarded-Proto", req.Scheme)
	set("X-Forwarded-Port", port(req))
	if client := hostname(req.RemoteAddr); client != "" {
		set("X-Forwarded-For", strings.Join(slices.Concat(h.Values("X-Forwarded-For"), []string{client}), ", "))
	}
	if len(req.Body) > 0 {
		set("Content-Length", strconv.Itoa(len(req.Body)))
	}
	if h.Get(traceHeader) == "" {
		set(traceHeader, trace(inv))
	}
	return h
}

const traceHeader = "X-Amzn-Trace-Id"

// trace is AWS's form of a trace id, made of what the invocation has: "Root=1-", the time in seconds as
// 8 hexadecimal digits, and 24 of the id's; "" if the id has fewer.
func trace(inv *assay.Invocation) string {
	id := strings.ReplaceAll(inv.ID, "-", "")
	if len(id) < 24 {
		return ""
	}
	return fmt.Sprintf("Root=1-%08x-%s", uint32(inv.Received.Unix()), id[:24])
}

// cookies lists name=value pairs.
func cookies(req *assay.Request) []string {
	var all []string
	for _, line := range req.Header.Values("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.TrimSpace(pair); pair != "" {
				all = append(all, pair)
			}
		}
	}
	return all
}

// query decodes the parameters. Only & parts them, as on AWS, and what cannot be decoded stays as it was
// sent: nothing that a client wrote is left out.
func query(req *assay.Request) map[string][]string {
	parameters := map[string][]string{}
	for pair := range strings.SplitSeq(req.Query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name = unescaped(name)
		parameters[name] = append(parameters[name], unescaped(value))
	}
	return parameters
}

func unescaped(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// body is the body as the event has it: text, or base64 of what cannot be text or is not to be.
func body(req *assay.Request, asText bool) (s string, encoded bool) {
	if len(req.Body) == 0 {
		return "", false
	}
	if asText && req.Header.Get("Content-Encoding") == "" && utf8.Valid(req.Body) {
		return string(req.Body), false
	}
	return base64.StdEncoding.EncodeToString(req.Body), true
}

// textual says whether HTTP APIs hand over a body of this content type as text. Forms are not among them.
func textual(req *assay.Request) bool {
	kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")) // without the parameters, good or bad
	switch kind {
	case "", "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
}

func hostname(address string) string { return (&url.URL{Host: address}).Hostname() }

func prefix(host string) string {
	first, _, _ := strings.Cut(hostname(host), ".")
	return first
}

func port(req *assay.Request) string {
	switch p := (&url.URL{Host: req.Host}).Port(); {
	case p != "":
		return p
	case req.Scheme == "https":
		return "443"
	case req.Scheme == "http":
		return "80"
	}
	return ""
}
