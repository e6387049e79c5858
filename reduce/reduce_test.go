package reduce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

func request(query, body string, header ...string) *assay.Request {
	r := &assay.Request{Method: "POST", Path: "/a", Query: query, Body: []byte(body), Header: assay.Header{}}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// show renders what can be reduced of a request.
func show(r *assay.Request) string {
	var names []string
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", strings.Join(names, ","), r.Query, r.Body))
}

// half tells whether floor(x + 0.5) and rounding to even differ for the number of a query.
func half(r *assay.Request) bool {
	values, err := url.ParseQuery(r.Query)
	if err != nil {
		return false
	}
	x, err := strconv.ParseFloat(values.Get("number"), 64)
	return err == nil && math.Floor(x+0.5) != math.RoundToEven(x)
}

func field(r *assay.Request, keys ...string) any {
	var v any
	dec := json.NewDecoder(bytes.NewReader(r.Body))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func TestRequest(t *testing.T) {
	for _, tt := range []struct {
		name   string
		from   *assay.Request
		passes func(*assay.Request) bool
		want   string
	}{
		{"a half", request("page=3&number=-1386.5&lang=en", "", "Accept: */*", "User-Agent: curl"), half, "number=0.5"},
		{"a half with a fraction after it", request("number=120.50", ""), half, "number=0.5"},
		{"nothing is needed", request("a=1&b=2", `{"a": 1}`, "Accept: */*"), func(*assay.Request) bool { return true }, ""},
		{"one header", request("a=1", "", "Accept: */*", "X-Mode: beta", "X-Other: 1"), func(r *assay.Request) bool { return r.Header.Get("X-Mode") == "beta" }, "X-Mode"},
		{"two parameters", request("a=1&b=2&c=3&d=4&e=5", ""), func(r *assay.Request) bool {
			return strings.Contains(r.Query, "b=") && strings.Contains(r.Query, "e=5")
		}, "b=&e=5"},
		{"an emoji", request("name=hello+%F0%9F%91%8B+world", ""), func(r *assay.Request) bool { return strings.Contains(r.Query, "%F0%9F%91%8B") }, "name=%F0%9F%91%8B"},
		{"a member deep down", request("", `{"id": 7, "lines": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 100, "note": "x"}], "ship": {"to": "me"}}`), func(r *assay.Request) bool {
			lines, _ := field(r, "lines").([]any)
			return slices.ContainsFunc(lines, func(l any) bool {
				m, _ := l.(map[string]any)
				n, _ := m["qty"].(json.Number)
				q, _ := n.Int64()
				return q > 20
			})
		}, `{"lines":[{"qty":25}]}`},
		{"a null", request("", `{"a": null, "b": 2}`), func(r *assay.Request) bool {
			return bytes.Contains(r.Body, []byte(`"a":null`)) || strings.Contains(string(r.Body), `"a": null`)
		}, `{"a":null}`},
		{"a string", request("", `{"a": "some text with é in it"}`), func(r *assay.Request) bool { s, _ := field(r, "a").(string); return strings.Contains(s, "é") }, `{"a":"é"}`},
		{"exact numbers", request("", `{"n": 9007199254740993}`), func(r *assay.Request) bool { return bytes.Contains(r.Body, []byte("9007199254740993")) }, `{"n": 9007199254740993}`},
		{"a form", request("", "a=1&b=22&c=3", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 12"), func(r *assay.Request) bool {
			return r.Header.Get("Content-Type") != "" && strings.Contains(string(r.Body), "b=2")
		}, "Content-Type  b=2"},
		{"lines", request("", "one\ntwo\nthree\nfour\n"), func(r *assay.Request) bool { return strings.Contains(string(r.Body), "hre") }, "hre"},
		{"not text", request("", "\xff\x00\xfe"), func(r *assay.Request) bool { return bytes.Equal(r.Body, []byte("\xff\x00\xfe")) }, "\xff\x00\xfe"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := show(tt.from)
			got, err := Request(tt.from, func(r *assay.Request) (bool, error) {
				if r.Method != "POST" || r.Path != "/a" {
					t.Errorf("method or path changed: %+v", r)
				}
				return tt.passes(r), nil
			})
			if err != nil || show(got) != tt.want {
				t.Errorf("reduced to %q, %v; want %q", show(got), err, tt.want)
			}
			if !tt.passes(got) {
				t.Error("what is left does not pass")
			}
			if show(tt.from) != before {
				t.Error("the request given was changed")
			}
		})
	}
}

func TestTheSmallestSoFarComesWithTheError(t *testing.T) {
	over, calls := errors.New("the budget is spent"), 0
	got, err := Request(request("a=1&b=2&c=3&d=4&number=16.5", ""), func(r *assay.Request) (bool, error) {
		if calls++; calls > 4 {
			return false, over
		}
		return half(r), nil
	})
	if err != over || calls != 5 || !half(got) || len(got.Query) >= len("a=1&b=2&c=3&d=4&number=16.5") {
		t.Errorf("%d calls, %v, %q", calls, err, got.Query)
	}
}

func TestNoRequestIsTriedTwice(t *testing.T) {
	seen := map[string]bool{}
	_, err := Request(request("a=12&b=345&number=-17.25", `{"a": [1, 2, 3], "b": "text"}`, "X: 1", "Y: 2"), func(r *assay.Request) (bool, error) {
		if seen[keyOf(r)] {
			t.Errorf("tried again: %s", show(r))
		}
		seen[keyOf(r)] = true
		return strings.Contains(r.Query, "3") && bytes.Contains(r.Body, []byte("2")), nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPayload(t *testing.T) {
	got, err := Payload([]byte(`{"number": 20.5, "trace": "abc"}`), func(p []byte) (bool, error) { return bytes.Contains(p, []byte(".5")), nil })
	if err != nil || string(got) != `{"number":0.5}` {
		t.Errorf("%s, %v", got, err)
	}
}

// FuzzSubset checks that what is left passes and that nothing more can be left out of it.
func FuzzSubset(f *testing.F) {
	f.Add("abcdefgh", "bg")
	f.Add("aaaa", "aa")
	f.Fuzz(func(t *testing.T, text, needed string) {
		passes := func(some []rune) bool {
			for _, r := range needed {
				if strings.Count(string(some), string(r)) < strings.Count(needed, string(r)) {
					return false
				}
			}
			return true
		}
		if len(text) > 200 || !passes([]rune(text)) {
			return
		}
		got := subset([]rune(text), passes)
		if !passes(got) {
			t.Fatalf("%q does not pass", string(got))
		}
		for i := range got {
			if passes(slices.Concat(got[:i], got[i+1:])) {
				t.Errorf("of %q, %q can be left out", string(got), got[i])
			}
		}
	})
}

// FuzzRequest checks that reducing ends, whatever the body.
func FuzzRequest(f *testing.F) {
	f.Add("a=1.5&b", `{"a": [1, {"b": "c"}]}`)
	f.Add("%zz=&=&&", "\xff[")
	f.Fuzz(func(t *testing.T, query, body string) {
		calls := 0
		_, err := Request(request(query, body), func(r *assay.Request) (bool, error) {
			if calls++; calls > 2000 {
				return false, errors.New("over")
			}
			return len(r.Query)%2 == len(query)%2 && len(r.Body)%3 == len(body)%3, nil
		})
		_ = err
	})
}
