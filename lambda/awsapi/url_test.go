package awsapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/lambda/sigv4"
)

// withURL gives function f a URL, public if it asks nobody who he is, and returns the URL's id.
func (l *lab) withURL(in control.FunctionURLConfigInput) string {
	l.t.Helper()
	l.create("f")
	if _, err := l.engine.CreateFunctionURLConfig("f", "", in); err != nil {
		l.t.Fatal(err)
	}
	if in.AuthType == "NONE" {
		_, err := l.engine.AddPermission("f", "", control.AddPermissionInput{StatementId: "public", Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: "NONE"})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	return control.URLID("f", "")
}

// browse sends a request to a function URL by its host.
func (l *lab) browse(id, method, path, body string, header http.Header) *http.Response {
	l.t.Helper()
	r, err := http.NewRequest(method, l.server.URL+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	r.Host = id + urlHost
	if header != nil {
		r.Header = header
	}
	response, err := l.http.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { response.Body.Close() })
	return response
}

func read(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestURLAnswers has the shapes of answers that were recorded of function URLs.
func TestURLAnswers(t *testing.T) {
	l := newLab(t, Options{})
	id := l.withURL(control.FunctionURLConfigInput{AuthType: "NONE"})
	for _, tt := range []struct {
		event, body, contentType string
		status                   int
	}{
		{`{"do": "return", "return": {"statusCode": 418, "body": "tea", "headers": {"content-type": "text/plain"}}}`, "tea", "text/plain", 418},
		{`{"do": "return", "return": {"statusCode": 200, "body": "aGk=", "isBase64Encoded": true}}`, "hi", "application/json", 200},
		{`{"do": "return", "return": {"hello": "world"}}`, `{"hello": "world"}`, "application/json", 200},
		{`{"do": "return", "return": "text"}`, "text", "application/json", 200},
		{`{"do": "return", "return": [1, 2]}`, "[1, 2]", "application/json", 200},
		{`{"do": "return", "return": 7}`, "7", "application/json", 200},
		{`{"do": "return", "return": true}`, "true", "application/json", 200},
		{`{"do": "return", "return": null}`, "null", "application/json", 200},
		{`{"do": "return", "return": {"statusCode": "many"}}`, "Internal Server Error", "application/json", 502},
		{`{"do": "fail", "text": "no"}`, "Internal Server Error", "application/json", 502},
		{`{"do": "exit"}`, "Internal Server Error", "application/json", 502},
	} {
		r := l.browse(id, "POST", "/", tt.event, http.Header{"Content-Type": {"application/json"}})
		if got := read(t, r); r.StatusCode != tt.status || got != tt.body || r.Header.Get("Content-Type") != tt.contentType || r.Header.Get("X-Amzn-RequestId") == "" {
			t.Errorf("%s: %d %q %v", tt.event, r.StatusCode, got, r.Header)
		}
	}
}

// The event is the same by host and by path, but for what differs each time.
func TestURLEvents(t *testing.T) {
	l := newLab(t, Options{})
	id := l.withURL(control.FunctionURLConfigInput{AuthType: "NONE"})
	header := http.Header{"Cookie": {"a=1; b=2"}, "Accept": {"x", "y"}, "Content-Type": {"application/octet-stream"}, "Connection": {"close"}}
	byHost := l.browse(id, "POST", "/a%2Fb/c?d=e&d=f%20g", "\xff", header)
	var got struct {
		RawPath, RawQueryString, Body string
		IsBase64Encoded               bool
		Cookies                       []string
		Headers                       map[string]string
		QueryStringParameters         map[string]string
		RequestContext                struct {
			APIID, DomainName, AccountID, RequestID, RouteKey string
			HTTP                                              struct{ Method, Path string }
		}
	}
	text := read(t, byHost)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	c := got.RequestContext
	if got.RawPath != "/a%2Fb/c" || got.RawQueryString != "d=e&d=f%20g" || got.QueryStringParameters["d"] != "e,f g" || got.Body != "/w==" || !got.IsBase64Encoded ||
		strings.Join(got.Cookies, "|") != "a=1|b=2" || got.Headers["accept"] != "x,y" || got.Headers["connection"] != "" || got.Headers["x-forwarded-proto"] != "http" ||
		c.APIID != id || c.DomainName != id+urlHost || c.AccountID != "anonymous" || c.RequestID != byHost.Header.Get("X-Amzn-RequestId") || c.RouteKey != "$default" || c.HTTP.Method != "POST" {
		t.Errorf("%s", text)
	}
	r, err := l.http.Post(l.server.URL+"/lambda-url/"+id+"/a%2Fb/c?d=e", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if text := read(t, r); json.Unmarshal([]byte(text), &got) != nil || got.RawPath != "/a%2Fb/c" || got.RequestContext.APIID != id {
		t.Errorf("by path: %s", text)
	}
}

func TestURLsThatAreClosed(t *testing.T) {
	l := newLab(t, Options{})
	id := l.withURL(control.FunctionURLConfigInput{AuthType: "AWS_IAM"})
	if r := l.browse(id, "GET", "/", "", nil); r.StatusCode != 403 || read(t, r) != `{"Message":"`+forbiddenURL+`"}` {
		t.Errorf("without a signature: %d", r.StatusCode)
	}
	if r := l.browse(id, "GET", "/", "", http.Header{"Authorization": {"AWS4-HMAC-SHA256 anything"}}); r.StatusCode != 200 {
		t.Errorf("signed, and nobody to verify it: %d %s", r.StatusCode, read(t, r))
	}
	if _, err := l.engine.UpdateFunctionURLConfig("f", "", control.FunctionURLConfigInput{AuthType: "NONE"}); err != nil {
		t.Fatal(err)
	}
	if r := l.browse(id, "GET", "/", "", nil); r.StatusCode != 403 {
		t.Errorf("public without a permission: %d", r.StatusCode)
	}
	if r := l.browse(strings.Repeat("a", 32), "GET", "/", "", nil); r.StatusCode != 404 || read(t, r) != `{"Message":null}` {
		t.Errorf("no such URL: %d", r.StatusCode)
	}
	if r := l.browse(id, "POST", "/", strings.Repeat("x", maxSync+1), nil); r.StatusCode != 413 {
		t.Errorf("too large: %d", r.StatusCode)
	}
}

func TestSignedURLs(t *testing.T) {
	l := newLab(t, Options{Credentials: []sigv4.Credential{{AccessKeyID: "AKID", SecretAccessKey: "secret"}}})
	id := l.withURL(control.FunctionURLConfigInput{AuthType: "AWS_IAM"})
	for secret, want := range map[string]int{"secret": 200, "wrong": 403} {
		body := `{"a": "b"}`
		r := httptest.NewRequest("POST", "http://"+id+urlHost+"/x?y=z", strings.NewReader(body))
		r.RequestURI = ""
		sum := sha256.Sum256([]byte(body))
		err := signer.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret}, r, hex.EncodeToString(sum[:]), "lambda", assay.EmbeddedRegion, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		l.api.ServeHTTP(w, r)
		if w.Code != want || want == 200 && !strings.Contains(w.Body.String(), `"accessKey":"AKID"`) {
			t.Errorf("%s: %d %s", secret, w.Code, w.Body)
		}
	}
}

func TestURLStreams(t *testing.T) {
	l := newLab(t, Options{})
	id := l.withURL(control.FunctionURLConfigInput{AuthType: "NONE", InvokeMode: "RESPONSE_STREAM"})
	r := l.browse(id, "POST", "/", `{"do": "stream", "text": "{\"statusCode\": 203, \"headers\": {\"X-A\": \"b\"}, \"cookies\": [\"c=d\"]}"}`, nil)
	if got := read(t, r); r.StatusCode != 203 || got != "firstsecond" || r.Header.Get("X-A") != "b" || r.Header.Get("Set-Cookie") != "c=d" {
		t.Errorf("with a prelude: %d %q %v", r.StatusCode, got, r.Header)
	}
	r = l.browse(id, "POST", "/", `{"do": "stream", "text": "plain "}`, nil)
	if got := read(t, r); r.StatusCode != 200 || got != "plain firstsecond" || r.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("without one: %d %q %v", r.StatusCode, got, r.Header)
	}
	r = l.browse(id, "POST", "/", `{"do": "fail", "text": "no"}`, nil)
	if got := read(t, r); r.StatusCode != 502 || got != "Internal Server Error" {
		t.Errorf("failed: %d %q", r.StatusCode, got)
	}
	r = l.browse(id, "POST", "/", `{"do": "stream", "text": "{\"statusCode\": 7}"}`, nil)
	if r.StatusCode != 502 {
		t.Errorf("a prelude that is none: %d", r.StatusCode)
	}
	r = l.browse(id, "POST", "/", `{"do": "break", "text": "some "}`, nil)
	if _, err := io.ReadAll(r.Body); r.StatusCode != 200 || err == nil {
		t.Errorf("broken in the middle: %d, %v", r.StatusCode, err)
	}
	r = l.browse(id, "POST", "/", `{"do": "hang", "text": "the "}`, nil)
	first := make([]byte, len("the first"))
	if _, err := io.ReadFull(r.Body, first); err != nil || string(first) != "the first" {
		t.Errorf("while it is made: %q, %v", first, err)
	}
}

func TestCORS(t *testing.T) {
	yes, age := true, 60
	l := newLab(t, Options{})
	id := l.withURL(control.FunctionURLConfigInput{AuthType: "NONE", Cors: &control.Cors{
		AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"x-a"}, ExposeHeaders: []string{"x-b"}, AllowCredentials: &yes, MaxAge: &age,
	}})
	preflight := http.Header{"Origin": {"https://a.example"}, "Access-Control-Request-Method": {"POST"}}
	r := l.browse(id, "OPTIONS", "/", "", preflight)
	h := r.Header
	if r.StatusCode != 200 || h.Get("Access-Control-Allow-Origin") != "https://a.example" || h.Get("Access-Control-Allow-Methods") != "GET,POST" ||
		h.Get("Access-Control-Allow-Headers") != "x-a" || h.Get("Access-Control-Max-Age") != "60" || h.Get("Access-Control-Allow-Credentials") != "true" || read(t, r) != "" {
		t.Errorf("preflight: %d %v", r.StatusCode, h)
	}
	if r := l.browse(id, "OPTIONS", "/", "", http.Header{"Origin": {"https://b.example"}, "Access-Control-Request-Method": {"POST"}}); r.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin's preflight: %v", r.Header)
	}
	own := `{"do": "return", "return": {"statusCode": 200, "headers": {"access-control-allow-origin": "*"}}}`
	r = l.browse(id, "POST", "/", own, http.Header{"Origin": {"https://a.example"}})
	if r.Header.Get("Access-Control-Allow-Origin") != "https://a.example" || r.Header.Get("Access-Control-Expose-Headers") != "x-b" {
		t.Errorf("the configuration does not win: %v", r.Header)
	}
}

// FuzzServe looks for requests that crash the API: any method, host, path, header and body. What is asked
// for of a function that is there is left out, for it would run.
func FuzzServe(f *testing.F) {
	f.Add("GET", "127.0.0.1", "/2015-03-31/functions/x", "", "X-Amz-Invocation-Type", "Event", []byte(`{}`))
	f.Add("POST", "127.0.0.1", "/2015-03-31/functions/arn:aws:lambda:us-east-1:0:function:x:y/invocations/", "Qualifier=z", "X-Amz-Client-Context", "!", []byte(`{"`))
	f.Add("POST", "a.lambda-url.us-east-1.localhost", "/lambda-url/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/%2F", "a=%", "Origin", "null", []byte{0xff})
	f.Add("GET", "localhost", "/2018-10-31/layers", "find=LayerVersion&Arn=x", "", "", []byte(nil))
	f.Add("GET", "localhost", "/snapshots/functions/a/1", "X-Amz-Date=20261121T000000Z", "", "", []byte(nil))
	f.Add("POST", "localhost", "/2015-03-31/functions", "", "Content-Type", "application/json", []byte(`{"FunctionName": "a:b:c", "Role": "", "Code": {"ZipFile": "="}}`))
	l := newLab(f, Options{})
	f.Fuzz(func(t *testing.T, method, host, path, query, name, value string, body []byte) {
		u, err := url.ParseRequestURI("http://x/" + strings.TrimPrefix(path, "/"))
		if err != nil {
			return
		}
		u.RawQuery = query
		r := &http.Request{Method: method, Host: host, URL: u, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1, RemoteAddr: "127.0.0.1:1"}
		r.Header.Set(name, value)
		w := httptest.NewRecorder()
		l.api.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code >= 500 && w.Code != http.StatusNotImplemented {
			t.Errorf("%s %s %s: %d %s", method, u, body, w.Code, w.Body)
		}
	})
}
