package compare

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// FuzzCompare compares arbitrary answers: nothing panics, a thing equals itself, and what differs one
// way differs the other way.
func FuzzCompare(f *testing.F) {
	seeds := []string{`{"a":[1,{"id":2}]}`, `[1,2,"x"]`, `{"a":1.0}`, "\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd", "text\nmore", "", `{"a":`}
	paths := []string{"$.a", "$..id", "$[?@.id == 2 || @ > 1]", "$[-1]", "$[0:5:2]", "$['a','b']", "$[?length(@.a) >= 1 && @.a < 'x']", "a", "$[?match(@.id, '(a*)*')]"}
	codings := []string{"", "gzip", "deflate", "br", "zstd"}
	for _, path := range paths {
		f.Add([]byte(`[{"a":"x","id":1},{},[1],"x",null]`), []byte(`[{"a":{},"id":"x"},[],2]`), "application/json", "", path)
	}
	for i, a := range seeds {
		b := seeds[(i+1)%len(seeds)]
		f.Add([]byte(a), []byte(b), "application/json", codings[i%len(codings)], paths[i])
		f.Add([]byte(a), []byte(b), "text/plain", codings[i%len(codings)], paths[i])
		f.Add([]byte(a), []byte(b), "", codings[i%len(codings)], paths[i])
	}
	f.Fuzz(func(t *testing.T, a, b []byte, contentType, coding, path string) {
		for _, spec := range []assay.ComparatorSpec{
			{}, {Ignore: []string{path}}, {Unordered: []string{path}}, {Key: map[string]string{path: "$.id"}},
			{Tolerance: map[string]float64{path: 1}, Unordered: []string{"$"}},
		} {
			spec.Kind = "body"
			c, flaws := New([]assay.ComparatorSpec{spec, {Kind: "headers"}})
			if len(flaws) > 0 {
				continue
			}
			control, other := answer(contentType, a), answer(contentType, b)
			other.Header.Set("Content-Encoding", coding)
			if got := c.Compare(other, other); len(got) > 0 {
				t.Fatalf("it differs from itself: %+v", got)
			}
			there, back := c.Compare(control, other), c.Compare(other, control)
			if (len(there) == 0) != (len(back) == 0) {
				t.Fatalf("%+v but %+v", there, back)
			}
		}
	})
}

// FuzzTextsAndFields compares arbitrary texts and lines of Set-Cookie, Vary and Age under every option.
func FuzzTextsAndFields(f *testing.F) {
	for _, seed := range [][2]string{
		{"a=1; Path=/; Expires=Wed, 25 Nov 2026 04:00:00 GMT", "a=1; expires=Wednesday, 25-Nov-26 04:00:01 GMT; path=/"},
		{"Accept, \"a,b\\", "accept,,"}, {"10", "1e1"}, {" Straße\n\tx", "STRASSE x"}, {"caf\xe9", "caf\xe8"}, {"", "="},
	} {
		f.Add(seed[0], seed[1])
	}
	c, flaws := New([]assay.ComparatorSpec{
		{
			Kind: "headers", Except: []string{"x"}, Ignore: []string{"set-cookie:a.value"},
			Tolerance: map[string]float64{"age": 1}, Dates: map[string]time.Duration{"set-cookie": time.Minute},
		},
		{Kind: "body", As: "text", Trim: true, Case: "ignore", Whitespace: "ignore", Edits: 0.1},
	})
	if len(flaws) > 0 {
		f.Fatal(flaws)
	}
	side := func(s string) *assay.Observation {
		o := answer("text/plain", []byte(s))
		for _, name := range []string{"Set-Cookie", "Vary", "Age"} {
			o.Header.Set(name, s)
		}
		return o
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := c.Compare(side(a), side(a)); len(got) > 0 {
			t.Fatalf("it differs from itself: %+v", got)
		}
		there, back := c.Compare(side(a), side(b)), c.Compare(side(b), side(a))
		if len(there) != len(back) || unexcused(there) != unexcused(back) {
			t.Fatalf("%+v but %+v", there, back)
		}
	})
}
