package compare

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/report"
)

func TestFlaws(t *testing.T) {
	tests := []struct {
		name string
		spec assay.ComparatorSpec
		path string
		what string
	}{
		{"unknown kind", assay.ComparatorSpec{Kind: "colour"}, "0 colour", `unknown comparator "colour"`},
		{"no limit", assay.ComparatorSpec{Kind: "latency"}, "0 latency", "latency has no limit"},
		{"no code", assay.ComparatorSpec{Kind: "statuscode", Same: []int{200, 20}}, "0 statuscode same 1", "20 is not a status code"},
		{"exact without class", assay.ComparatorSpec{Kind: "statuscode", Exact: []int{404}}, "0 statuscode exact", "every code"},
		{"no way to compare faults", assay.ComparatorSpec{Kind: "fault", By: "stack"}, "0 fault by", `by "stack"`},
		{"no path of a share", assay.ComparatorSpec{Kind: "body", Relative: map[string]float64{"a": 1}}, "0 body tolerance a", "not a JSONPath"},
		{"no time", assay.ComparatorSpec{Kind: "body", Dates: map[string]time.Duration{"$.a": -1}}, "0 body tolerance $.a", "a tolerance of -1ns"},
		{"align and unordered", assay.ComparatorSpec{Kind: "body", Unordered: []string{"$.a"}, Align: []string{"$.a"}}, "0 body align 0", "matched in two ways, by unordered"},
		{"only and except", assay.ComparatorSpec{Kind: "headers", Only: []string{"a"}, Except: []string{"b"}}, "0 headers", "both given"},
		{"no header", assay.ComparatorSpec{Kind: "headers", Only: []string{"a", "b c"}}, "0 headers 1", `"b c" is not the name of a header`},
		{"no header to except", assay.ComparatorSpec{Kind: "headers", Except: []string{""}}, "0 headers except 0", `"" is not the name of a header`},
		{"unknown format", assay.ComparatorSpec{Kind: "body", As: "yaml"}, "0 body as", `as "yaml"`},
		{"rules for bytes", assay.ComparatorSpec{Kind: "body", As: "bytes", Ignore: []string{"$.a"}}, "0 body ignore", "compared as bytes"},
		{"a flaw within", assay.ComparatorSpec{Kind: "body", Within: map[string]assay.ComparatorSpec{"$.a": {As: "xyz"}}}, "0 body within $.a as", `as "xyz"`},
		{"no media type", assay.ComparatorSpec{Kind: "body", Type: []string{"image/*", "json"}}, "0 body type 1", `"json" is not a media type`},
		{"no JSONPath", assay.ComparatorSpec{Kind: "body", Ignore: []string{"$.a", "a.b"}}, "0 body ignore 1", `"a.b" is not a JSONPath`},
		{"no JSONPath to order", assay.ComparatorSpec{Kind: "body", Unordered: []string{"$["}}, "0 body unordered 0", `"$[" is not a JSONPath`},
		{"no JSONPath to tolerate", assay.ComparatorSpec{Kind: "body", Tolerance: map[string]float64{"": 1}}, "0 body tolerance ", `"" is not a JSONPath`},
		{"negative tolerance", assay.ComparatorSpec{Kind: "body", Tolerance: map[string]float64{"$.a": -1}}, "0 body tolerance $.a", "a tolerance of -1"},
		{"no JSONPath to match", assay.ComparatorSpec{Kind: "body", Key: map[string]string{"$.": "$.id"}}, "0 body key $.", `"$." is not a JSONPath`},
		{"no JSONPath in an item", assay.ComparatorSpec{Kind: "body", Key: map[string]string{"$.a": "id"}}, "0 body key $.a", `"id" does not lead from an item`},
		{"many keys", assay.ComparatorSpec{Kind: "body", Key: map[string]string{"$.a": "$.*"}}, "0 body key $.a", `"$.*" does not lead from an item`},
		{"key and unordered", assay.ComparatorSpec{Kind: "body", Unordered: []string{"$.a"}, Key: map[string]string{"$['a']": "$.id"}}, "0 body key $['a']", "matched in two ways, by unordered"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, flaws := New([]assay.ComparatorSpec{test.spec})
			if c != nil || len(flaws) != 1 {
				t.Fatalf("comparator %v, flaws %+v", c, flaws)
			}
			f := flaws[0]
			if strings.Join(f.Path, " ") != test.path || !strings.Contains(f.What, test.what) || f.Hint == "" {
				t.Errorf("flaw %+v, want path %q, what …%q", f, test.path, test.what)
			}
		})
	}
}

func TestFlawsOfSeveral(t *testing.T) {
	_, flaws := New([]assay.ComparatorSpec{{Kind: "statuscode"}, {Kind: "body", As: "a"}, {Kind: "statuscode"}, {Kind: "x"}})
	var paths []string
	for _, f := range flaws {
		paths = append(paths, strings.Join(f.Path, "."))
	}
	if want := []string{"1.body.as", "2.statuscode", "3.x"}; !slices.Equal(paths, want) {
		t.Errorf("flaws at %v, want %v", paths, want)
	}
}

func TestDefaults(t *testing.T) {
	control := answer("application/json", []byte(`{"a":1}`))
	other := answer("text/plain", []byte(`{"a":2}`))
	other.Status = 500
	control.Header.Set("X-A", "not compared by default")
	for _, specs := range [][]assay.ComparatorSpec{nil, Defaults()} {
		var paths []string
		for _, d := range comparator(t, specs...).Compare(control, other) {
			paths = append(paths, d.Path)
		}
		if want := []string{"status", "header:content-type", "body:$.a"}; !slices.Equal(paths, want) {
			t.Errorf("differences at %v, want %v", paths, want)
		}
	}
}

func TestFaults(t *testing.T) {
	timeout := &assay.Fault{Kind: assay.FaultTimeout, Message: "Task timed out after 3.00 seconds"}
	crash := &assay.Fault{Kind: assay.FaultCrash, Type: "Runtime.ExitError", Message: "RequestId: 1 Error: exit status 1"}
	again := &assay.Fault{Kind: assay.FaultCrash, Type: "Runtime.ExitError", Message: "RequestId: 2 Error: exit status 1"}
	killed := &assay.Fault{Kind: assay.FaultCrash, Type: "Runtime.Killed"}
	tests := []struct {
		name           string
		control, other *assay.Fault
		want           string // of the fault; the status differs in all
	}{
		{"neither", nil, nil, ""},
		{"the candidate alone", nil, timeout, "fault fault | none | timeout | Task timed out after 3.00 seconds"},
		{"the control alone", crash, nil, "fault fault | crash Runtime.ExitError | none | RequestId: 1 Error: exit status 1"},
		{"both in one way", crash, again, ""},
		{"in two ways", timeout, crash, "fault fault | timeout | crash Runtime.ExitError | RequestId: 1 Error: exit status 1"},
		{"of two types", crash, killed, "fault fault | crash Runtime.ExitError | crash Runtime.Killed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			control := &assay.Observation{Status: 502, Fault: test.control}
			other := &assay.Observation{Status: 504, Fault: test.other}
			got := comparator(t).Compare(control, other)
			want := test.want
			if want == "" {
				want = "value status | 502 | 504" // answers of equal faults are compared as well
			}
			if len(got) != 1 || showDifference(got[0]) != want {
				t.Errorf("got %+v, want %s", got, want)
			}
		})
	}
}

// encoders write a body in each of the content codings known.
var encoders = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"X-Gzip":  func(w io.Writer) io.WriteCloser { z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed); return z },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd":    func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
}

// encoded is an answer whose body is in the content codings, applied from left to right.
func encoded(contentType string, body []byte, codings ...string) *assay.Observation {
	for _, coding := range codings {
		var out bytes.Buffer
		w := encoders[coding](&out)
		w.Write(body)
		w.Close()
		body = out.Bytes()
	}
	o := answer(contentType, body)
	if len(codings) > 0 {
		o.Header.Set("Content-Encoding", strings.Join(codings, ", "))
	}
	return o
}

func TestContentCodings(t *testing.T) {
	c := comparator(t, assay.ComparatorSpec{Kind: "body"})
	document := []byte(`{"text": "` + strings.Repeat("so it goes. ", 500) + `", "n": 1}`)
	changed := bytes.Replace(document, []byte(`"n": 1`), []byte(`"n": 2`), 1)
	plain := encoded("application/json", document)
	for coding := range encoders {
		same := encoded("application/json", document, coding)
		if got := c.Compare(plain, same); len(got) > 0 {
			t.Errorf("%s: %+v", coding, got)
		}
		other := encoded("application/json", changed, coding)
		if got := c.Compare(same, other); len(got) != 1 || got[0].Path != "body:$.n" {
			t.Errorf("%s, changed: %+v", coding, got)
		}
		other.Body = other.Body[:len(other.Body)/2]
		other.BodySize = int64(len(other.Body))
		if got := c.Compare(plain, other); len(got) != 1 || got[0].Kind != assay.KindMalformed {
			t.Errorf("%s, cut: %+v", coding, got)
		}
	}
	if got := c.Compare(plain, encoded("application/json", document, "gzip", "br")); len(got) > 0 {
		t.Errorf("gzip, then br: %+v", got)
	}
}

func TestBareDeflate(t *testing.T) {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.DefaultCompression)
	w.Write([]byte("hello hello hello"))
	w.Close()
	bare := answer("text/plain", out.Bytes())
	bare.Header.Set("Content-Encoding", "deflate")
	c := comparator(t, assay.ComparatorSpec{Kind: "body"})
	if got := c.Compare(answer("text/plain", []byte("hello hello hello")), bare); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	bare.Body = append(bare.Body, "more"...)
	bare.BodySize += 4
	got := c.Compare(answer("text/plain", []byte("hello hello hello")), bare)
	if len(got) != 1 || got[0].Detail != "candidate: content-encoding deflate: 4 bytes after its end" {
		t.Errorf("with more after its end: %+v", got)
	}
}

func TestCodingsThatCannotBeUndone(t *testing.T) {
	hello := answer("text/plain", []byte("hello"))
	bomb := encoded("text/plain", make([]byte, maxDecoded+1), "zstd")
	tests := []struct {
		name   string
		coding string
		other  *assay.Observation
		detail string
	}{
		{"unknown", "aws-chunked", answer("text/plain", []byte("hello")), "candidate: content-encoding aws-chunked: not a coding known here"},
		{"not what it says", "gzip", answer("text/plain", []byte("hello hello")), "candidate: content-encoding gzip: gzip: invalid header"},
		{"too many", "gzip, gzip, gzip, gzip", answer("text/plain", []byte("hello")), "candidate: 4 content codings, at most 3 are undone"},
		{"a bomb", "zstd", bomb, "candidate: content-encoding zstd: more than 64 MB"},
	}
	c := comparator(t, assay.ComparatorSpec{Kind: "body"})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.other.Header.Set("Content-Encoding", test.coding)
			got := c.Compare(hello, test.other)
			if len(got) != 1 || got[0].Kind != assay.KindMalformed || got[0].Detail != test.detail {
				t.Errorf("got %+v, want %s", got, test.detail)
			}
		})
	}
}

func TestEqualBytesOfOtherCodings(t *testing.T) {
	plain := encoded("application/octet-stream", []byte("hello"), "gzip")
	claimed := encoded("application/octet-stream", []byte("hello"), "gzip")
	plain.Header.Set("Content-Encoding", "identity")
	if got := comparator(t, assay.ComparatorSpec{Kind: "body"}).Compare(plain, claimed); len(got) == 0 {
		t.Error("compressed bytes that are not declared so equal their content")
	}
}

func TestTruncatedEqualsNothing(t *testing.T) {
	whole := answer("text/plain", []byte("hello"))
	cut := &assay.Observation{Header: whole.Header, Body: []byte("hello"), BodySize: 9}
	other := &assay.Observation{Header: whole.Header, Body: []byte("hex"), BodySize: 9}
	unseen := &assay.Observation{Header: whole.Header, BodySize: 9}
	c := comparator(t, assay.ComparatorSpec{Kind: "body"})
	for _, test := range []struct {
		a, b *assay.Observation
		want string
	}{
		{whole, cut, "truncated body | 5 of 5 bytes | 5 of 9 bytes | the first 5 bytes are equal"},
		{cut, cut, "truncated body | 5 of 9 bytes | 5 of 9 bytes | the first 5 bytes are equal"},
		{whole, other, "truncated body | 5 of 5 bytes | 3 of 9 bytes | first differing at offset 2"},
		{unseen, whole, "truncated body | 0 of 9 bytes | 5 of 5 bytes | the first 0 bytes are equal"},
	} {
		if got := c.Compare(test.a, test.b); len(got) != 1 || showDifference(got[0]) != test.want {
			t.Errorf("got %+v, want %s", got, test.want)
		}
	}
}

// TestFormatFollowsEither: the first format that takes either type, so that the sides may change places.
func TestFormatFollowsEither(t *testing.T) {
	reordered := [2]string{`{"a":1,"b":2}`, `{"b":2,"a":1}`}
	tests := []struct {
		control, other string // content types
		equal          bool
	}{
		{"application/json", "application/json", true},
		{"application/json", "text/plain", true},
		{"text/plain", "application/json", true},
		{"text/plain", "text/html", false},
		{"", "application/json", true},
		{"", "", true},
		{"Application/Problem+JSON; charset=utf-8", "", true},
		{"application/json;;", "", true},
		{"application/x-amz-json-1.1", "", true},
		{"application/jsonp", "", false},
	}
	for _, test := range tests {
		got := comparator(t, assay.ComparatorSpec{Kind: "body"}).Compare(answer(test.control, []byte(reordered[0])), answer(test.other, []byte(reordered[1])))
		if (len(got) == 0) != test.equal {
			t.Errorf("%q and %q: %+v", test.control, test.other, got)
		}
	}
}

func TestFormatOfBodiesThatNameNone(t *testing.T) {
	tests := []struct{ name, control, other, want string }{
		{"documents", `{"a":1}`, ` {"a":2}`, "value body:$.a | 1 | 2"},
		{"arrays", `[1]`, "[\n1.0]", ""},
		{"one document", `{"a":1}`, "a\n", `value body | {"a":1} | a\n | line 1, column 1; 6 edits\n@@ -1,1 +1,2 @@\n-{"a":1}\n+a\n+`},
		{"scalars are text", "1", "1.0", "value body | 1 | 1.0 | line 1, column 2; 2 edits"},
		{"a name twice is text", `{"a":1,"a":1}`, `{"a":1}`, `value body | {"a":1,"a":1} | {"a":1} | line 1, column 7; 6 edits`},
		{"no text", "\xff\x00", "\xff\x01", "value body | 00 | 01 | 2 and 2 bytes, first differing at offset 1"},
	}
	for _, test := range tests {
		var got string
		for _, d := range comparator(t, assay.ComparatorSpec{Kind: "body"}).Compare(answer("", []byte(test.control)), answer("", []byte(test.other))) {
			got += showDifference(d)
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestTrailers(t *testing.T) {
	side := func(status string) *assay.Observation {
		o := answer("application/grpc", nil)
		o.Trailer = assay.Header{"Grpc-Status": {status}}
		return o
	}
	const differs = "value trailer:grpc-status | 0 | 13"
	tests := []struct {
		name string
		spec assay.ComparatorSpec
		want string
	}{
		{"all but some", assay.ComparatorSpec{Except: []string{"x-a"}}, differs},
		{"all", assay.ComparatorSpec{}, differs},
		{"by name", assay.ComparatorSpec{Only: []string{"grpc-status"}}, differs},
		{"excepted", assay.ComparatorSpec{Except: []string{"GRPC-Status"}}, ""},
		{"others by name", assay.ComparatorSpec{Only: []string{"content-type"}}, ""},
	}
	for _, test := range tests {
		test.spec.Kind = "headers"
		var got string
		for _, d := range comparator(t, test.spec).Compare(side("0"), side("13")) {
			got += showDifference(d)
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestUnorderedKeepsExcuses(t *testing.T) {
	tests := []struct {
		name           string
		spec           assay.ComparatorSpec
		control, other string
	}{
		{"surplus that is ignored", assay.ComparatorSpec{Ignore: []string{"$.items[*].tags[*]"}},
			`{"items":[{"id":1,"tags":[1,2]},{"id":2,"tags":[]}]}`, `{"items":[{"id":2,"tags":[3]},{"id":1,"tags":[1]}]}`},
		{"a chain of tolerances", assay.ComparatorSpec{Tolerance: map[string]float64{"$.items[*]": 1}}, `{"items":[1,2]}`, `{"items":[2,3]}`},
		{"an index that is ignored", assay.ComparatorSpec{Ignore: []string{"$.items[0]"}}, `{"items":[1,2]}`, `{"items":[2,2]}`},
	}
	for _, test := range tests {
		test.spec.Kind, test.spec.Unordered = "body", []string{"$.items"}
		got := comparator(t, test.spec).Compare(answer("application/json", []byte(test.control)), answer("application/json", []byte(test.other)))
		if n := unexcused(got); n > 0 {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func unexcused(differences []assay.Difference) (n int) {
	for _, d := range differences {
		if d.Ignored == "" {
			n++
		}
	}
	return n
}

func TestDifferencesAreBounded(t *testing.T) {
	const n = 250
	side := func(v int) *assay.Observation {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, `{"id":%d,"v":%d},`, v, v)
		}
		return answer("application/json", []byte("["+strings.TrimSuffix(b.String(), ",")+"]"))
	}
	c := comparator(t, assay.ComparatorSpec{Kind: "body", Ignore: []string{"$[*].id"}})
	var details [2][]string
	for _, d := range c.Compare(side(1), side(2)) {
		i := 0
		if d.Ignored != "" {
			i = 1
		}
		details[i] = append(details[i], d.Detail)
	}
	for i, list := range details {
		if len(list) != report.MaxListed || list[report.MaxListed-1] != "and 150 more differences" || strings.Join(list[:report.MaxListed-1], "") != "" {
			t.Errorf("excused %d: %d listed, %q", i, len(list), list)
		}
	}
}

func TestIgnoredDifferencesDoNotHideOthers(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("%d,", 1000), ",")
	side := func(n string) *assay.Observation {
		return answer("application/json", []byte(`{"a":[`+strings.ReplaceAll(many, "%d", n)+`],"z":`+n+`}`))
	}
	got := comparator(t, assay.ComparatorSpec{Kind: "body", Ignore: []string{"$.a"}}).Compare(side("1"), side("2"))
	if last := got[len(got)-1]; last.Path != "body:$.z" || last.Ignored != "" {
		t.Errorf("last of %d differences: %+v", len(got), last)
	}
}

func TestPathsAndRenderingsAreShort(t *testing.T) {
	long := strings.Repeat("é", 10_000)
	control := answer("application/json", []byte(`{"`+long+`": "`+long+`", "a": [`+strings.Repeat(`"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",`, 1000)+`1]}`))
	other := answer("application/json", []byte(`{"`+long+`": 1}`))
	for _, d := range comparator(t, assay.ComparatorSpec{Kind: "body"}).Compare(control, other) {
		if len(d.Path) > report.MaxPath || len(d.Control) > report.MaxShown || len(d.Candidate) > report.MaxShown {
			t.Errorf("%d, %d, %d bytes of %+v", len(d.Path), len(d.Control), len(d.Candidate), d)
		}
		if !strings.HasSuffix(d.Control, report.Ellipsis) {
			t.Errorf("%+v", d)
		}
	}
}

func TestCompareChangesNothing(t *testing.T) {
	control := answer("application/json", []byte(`{"b":[2,1],"a":"\u00e9"}`))
	other := answer("application/json", []byte(`{"b":[1,2],"a":"e"}`))
	before := fmt.Sprintf("%+v %+v", control, other)
	c := comparator(t, assay.ComparatorSpec{Kind: "headers"}, assay.ComparatorSpec{Kind: "body", Unordered: []string{"$.b"}})
	first := c.Compare(control, other)
	if second := c.Compare(control, other); !reflect.DeepEqual(first, second) {
		t.Errorf("%+v, then %+v", first, second)
	}
	if after := fmt.Sprintf("%+v %+v", control, other); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

func TestNothingAtAll(t *testing.T) {
	if got := comparator(t).Compare(&assay.Observation{}, &assay.Observation{}); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	c := comparator(t, assay.ComparatorSpec{Kind: "headers"}, assay.ComparatorSpec{Kind: "body", Ignore: []string{"$[?match(@.a, 'x.*')].id", "$..b"}})
	control := answer("application/json", []byte(`[{"a":"xy","id":1},{"b":1}]`))
	other := answer("application/json; charset=utf-8", []byte(`[{"a":"xy","id":2},{"b":2}]`))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if got := c.Compare(control, other); len(got) != 3 {
				t.Errorf("%+v", got)
			}
		})
	}
	all.Wait()
}
