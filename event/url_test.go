package event

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/assaylab/assay"
)

func TestCallerOfURL(t *testing.T) {
	payload, err := EncodeURL(invocation(nil), &Caller{AccessKeyID: "AKID", AccountID: "000000000000", ARN: "arn:aws:iam::000000000000:root"})
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		RequestContext struct {
			AccountID  string
			Authorizer struct{ IAM map[string]string }
		}
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatal(err)
	}
	iam := e.RequestContext.Authorizer.IAM
	if e.RequestContext.AccountID != "000000000000" || iam["accessKey"] != "AKID" || iam["userArn"] != "arn:aws:iam::000000000000:root" {
		t.Errorf("%s", payload)
	}
}

// TestDecodeURL has the shapes that were recorded of function URLs.
func TestDecodeURL(t *testing.T) {
	for returned, want := range map[string]Response{
		`{"statusCode": 201, "body": "made", "headers": {"content-type": "text/plain"}, "cookies": ["a=1", "b=2"]}`: {
			201, assay.Header{"Content-Type": {"text/plain"}, "Set-Cookie": {"a=1", "b=2"}}, []byte("made")},
		`{"statusCode": 200, "body": "aGk=", "isBase64Encoded": true}`: {200, jsonHeader(), []byte("hi")},
		`{"hello": "world"}`: {200, jsonHeader(), []byte(`{"hello": "world"}`)},
		`"text"`:             {200, jsonHeader(), []byte("text")},
		`[1, "a"]`:           {200, jsonHeader(), []byte(`[1, "a"]`)},
		`7.5`:                {200, jsonHeader(), []byte("7.5")},
		`true`:               {200, jsonHeader(), []byte("true")},
		`null`:               {200, jsonHeader(), []byte("null")},
	} {
		got, err := Decode(URL, []byte(returned))
		if err != nil || !same(got, want) {
			t.Errorf("%s: %+v %s, %v", returned, got, got.Body, err)
		}
	}
	for _, returned := range []string{`{"statusCode": "many"}`, `{"statusCode": 200, "body": {}}`, `nonsense`} {
		if _, err := Decode(URL, []byte(returned)); err == nil {
			t.Errorf("%s: no error", returned)
		}
	}
}

func jsonHeader() assay.Header { return assay.Header{"Content-Type": {"application/json"}} }

func same(a, b Response) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func TestPreludeInParts(t *testing.T) {
	const whole = `{"statusCode": 202, "headers": {"X-A": "b"}, "cookies": ["c=d"]}` + "\x00\x00\x00\x00\x00\x00\x00\x00" + "bo\x00dy"
	want := Response{202, assay.Header{"X-A": {"b"}, "Set-Cookie": {"c=d"}}, []byte("bo\x00dy")}
	for size := 1; size <= len(whole); size++ {
		var p Prelude
		var got *Response
		for rest := []byte(whole); len(rest) > 0; {
			part := rest[:min(size, len(rest))]
			rest = rest[len(part):]
			if got != nil {
				got.Body = append(got.Body, part...)
				continue
			}
			r, body, err := p.Feed(part)
			if err != nil {
				t.Fatal(err)
			}
			if got = r; r != nil {
				r.Body = bytes.Clone(body)
			}
		}
		if got == nil || !same(*got, want) {
			t.Fatalf("in parts of %d: %+v", size, got)
		}
	}
}

func TestPreludesThatAreNone(t *testing.T) {
	end := string(preludeEnd)
	for _, bad := range []string{end, "[]" + end, `{"statusCode": 7}` + end, `{"headers": []}` + end, string(bytes.Repeat([]byte("x"), maxPrelude+1))} {
		var p Prelude
		if r, _, err := p.Feed([]byte(bad)); err == nil {
			t.Errorf("%.30q: %+v", bad, r)
		}
	}
	var p Prelude
	if r, _, err := p.Feed([]byte(`{}`)); r != nil || err != nil {
		t.Errorf("half of one: %+v, %v", r, err)
	}
	if r, _, err := p.Feed(preludeEnd); err != nil || r.Status != 200 {
		t.Errorf("an empty one: %+v, %v", r, err)
	}
}

func FuzzPrelude(f *testing.F) {
	f.Add([]byte(`{"statusCode": 202, "headers": {"a": 1}, "cookies": ["c"]}`+"\x00\x00\x00\x00\x00\x00\x00\x00body"), 3)
	f.Add([]byte("{}\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 1)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		var whole, parts Prelude
		want, body, wantErr := whole.Feed(stream)
		if cut < 0 || cut > len(stream) {
			return
		}
		if got, _, err := parts.Feed(stream[:cut]); got != nil || err != nil {
			return // the head was in the first part
		}
		got, rest, err := parts.Feed(stream[cut:])
		if (err == nil) != (wantErr == nil) || (got == nil) != (want == nil) || !bytes.Equal(rest, body) {
			t.Errorf("%q cut at %d: %+v %q %v, want %+v %q %v", stream, cut, got, rest, err, want, body, wantErr)
		}
	})
}
