package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assaylab/assay"
)

var update = flag.Bool("update", false, "write the golden events anew")

func invocation(change func(*assay.Request)) *assay.Invocation {
	req := &assay.Request{
		Method: "POST", Scheme: "https", Host: "shop.example.com:8443", Path: "/a%2Fb/c d", Query: "x=1&x=2&y=a%20b&flag",
		Proto: "HTTP/1.1", RemoteAddr: "[2001:db8::7]:50123",
		Header: assay.Header{
			"Accept": {"text/html", "*/*"}, "User-Agent": {"test/1"}, "Content-Type": {"application/json"},
			"Cookie": {"a=1; b=2", "c=3"}, "X-Forwarded-For": {"10.0.0.1"},
		},
		Body: []byte(`{"n": 20.5}`),
	}
	if change != nil {
		change(req)
	}
	return &assay.Invocation{
		ID: "0190a3d4-5e6f-7a8b-9c0d-1e2f3a4b5c6d", Received: time.Date(2026, 11, 21, 9, 30, 15, 250e6, time.FixedZone("", 3600)), Request: req,
	}
}

// TestEncode compares with events that were compared by hand with AWS's documentation.
func TestEncode(t *testing.T) {
	for name, change := range map[string]func(*assay.Request){
		"json":   nil,
		"binary": func(r *assay.Request) { r.Body = []byte{0xff, 0}; r.Header["Content-Type"] = []string{"image/png"} },
		"bare":   func(r *assay.Request) { *r = assay.Request{Method: "GET", Path: "/"} },
	} {
		for _, f := range []Format{V1, V2, URL, ALB} {
			t.Run(name+"/"+string(f), func(t *testing.T) {
				got, err := Encode(f, invocation(change))
				if err != nil {
					t.Fatal(err)
				}
				golden(t, name+"."+string(f)+".json", got)
			})
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, append(got, '\n'), "", "  "); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("another event than %s:\n%s", path, pretty.Bytes())
	}
}

func TestEncodeRefuses(t *testing.T) {
	if _, err := Encode(V2, &assay.Invocation{}); err == nil {
		t.Error("an event of no request")
	}
	if _, err := Encode("v3", invocation(nil)); err == nil {
		t.Error("an event of no format")
	}
}

// TestBodies says which bodies come as text and which as base64.
func TestBodies(t *testing.T) {
	for _, tt := range []struct {
		contentType, contentEncoding, body string
		v1, v2                             bool // in base64
	}{
		{"application/json", "", `{}`, false, false},
		{"application/problem+json; charset=utf-8", "", `{}`, false, false},
		{"text/plain; bad", "", "ä", false, false},
		{"", "", "plain", false, false},
		{"", "", "\xff", true, true},
		{"text/plain", "", "\xff", true, true},
		{"application/json", "gzip", `{}`, true, true},
		{"application/x-www-form-urlencoded", "", "a=b", false, true},
		{"application/octet-stream", "", "a", false, true},
		{"application/octet-stream", "", "", false, false},
	} {
		inv := invocation(func(r *assay.Request) {
			r.Header = assay.Header{"Content-Type": {tt.contentType}, "Content-Encoding": {tt.contentEncoding}}
			r.Body = []byte(tt.body)
		})
		for f, want := range map[Format]bool{V1: tt.v1, V2: tt.v2} {
			body, encoded := bodyOf(t, f, inv)
			if encoded != want || body != tt.body {
				t.Errorf("%s: %q of %q %q comes as %q, base64 %v, want %v", f, tt.body, tt.contentType, tt.contentEncoding, body, encoded, want)
			}
		}
	}
}

// TestQueries says what becomes of parameters that are not well formed: they stay.
func TestQueries(t *testing.T) {
	for query, want := range map[string]map[string][]string{
		"a=1;b=2":          {"a": {"1;b=2"}},
		"a=%zz&b=1":        {"a": {"%zz"}, "b": {"1"}},
		"%zz=a%20b":        {"%zz": {"a b"}},
		"a=1=2&&a=+&flag&": {"a": {"1=2", " "}, "flag": {""}},
		"=x":               {"": {"x"}},
		"":                 nil,
	} {
		payload, err := Encode(V1, invocation(func(r *assay.Request) { r.Query = query }))
		if err != nil {
			t.Fatal(err)
		}
		var e events.APIGatewayProxyRequest
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Fatal(err)
		}
		if !maps.EqualFunc(e.MultiValueQueryStringParameters, want, slices.Equal) {
			t.Errorf("%q: %q, want %q", query, e.MultiValueQueryStringParameters, want)
		}
	}
}

// bodyOf is the body that a function reads from the event.
func bodyOf(t *testing.T, f Format, inv *assay.Invocation) (body string, encoded bool) {
	t.Helper()
	payload, err := Encode(f, inv)
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Body            string
		IsBase64Encoded bool
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatal(err)
	}
	if !e.IsBase64Encoded {
		return e.Body, false
	}
	data, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), true
}

func TestEncodeLeavesTheRequestAlone(t *testing.T) {
	inv := invocation(nil)
	inv.Request.Header["X-Forwarded-For"] = append(make([]string, 0, 8), "10.0.0.1") // room to grow in place
	before := inv.Request.Header.Clone()
	first, _ := Encode(V2, inv)
	second, _ := Encode(V2, inv)
	if !bytes.Equal(first, second) {
		t.Error("the same request makes two events")
	}
	for name, values := range before {
		if !slices.Equal(values, inv.Request.Header[name]) || len(before) != len(inv.Request.Header) {
			t.Errorf("the request's header changed: %v", inv.Request.Header)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("/a%2Fb", "x=1&x=2;y", "127.0.0.1:9000", "a=1; b=2", "text/plain", []byte("body"))
	f.Add("", "%zz&=&", "[::1%eth0]:http", ";;=", "a/b; c", []byte{0xff})
	f.Fuzz(func(t *testing.T, path, query, host, cookie, contentType string, body []byte) {
		inv := invocation(func(r *assay.Request) {
			r.Path, r.Query, r.Host, r.RemoteAddr, r.Body = path, query, host, host, body
			r.Header = assay.Header{"Cookie": {cookie}, "Content-Type": {contentType}}
		})
		for _, format := range []Format{V1, V2, URL, ALB} {
			if got, _ := bodyOf(t, format, inv); got != string(body) {
				t.Errorf("%s: the body %q arrives as %q", format, body, got)
			}
		}
		payload, _ := Encode(V2, inv)
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Fatal(err)
		}
		if utf8.ValidString(path) && e.RawPath != path {
			t.Errorf("the path %q arrives as %q", path, e.RawPath)
		}
	})
}
