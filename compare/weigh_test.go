package compare

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// heavyDocuments are pairs that take much more to compare than they are long, of about so many values each.
func heavyDocuments(n int) map[string][2]*assay.Observation {
	repeat := func(media, begin, each, end string) [2]*assay.Observation {
		return [2]*assay.Observation{
			document(media, begin+strings.Repeat(strings.ReplaceAll(each, "#", "1"), n)+end),
			document(media, begin+strings.Repeat(strings.ReplaceAll(each, "#", "2"), n)+end),
		}
	}
	var up, down strings.Builder
	for i := range n {
		fmt.Fprintf(&up, `"m%d":%d,`, i, i)
		fmt.Fprintf(&down, `"m%d":%d,`, n-i, n-i)
	}
	return map[string][2]*assay.Observation{
		"members in another order": {document("application/json", "{"+up.String()+`"z":1}`), document("application/json", "{"+down.String()+`"z":1}`)},
		"another type":             {document("application/json", "["+strings.Repeat("[],", n)+"1]"), document("application/json", "["+strings.Repeat("{},", n)+"1]")},
		"numbers":                  repeat("application/json", "[", "#,", "1]"),
		"lines":                    repeat("application/x-ndjson", "", `{"a":#}`+"\n", ""),
		"XML":                      repeat("application/xml", "<r>", "<a b='#'>t</a>", "</r>"),
		"HTML":                     repeat("text/html", "<html><body>", "<p b='#'>t</p>", "</body></html>"),
		"a table":                  repeat("text/csv", "a,b,c\n", "#,2,3\n", ""),
		"events":                   repeat("text/event-stream", "", "data: #\n\n", ""),
	}
}

func document(media, body string) *assay.Observation { return answer(media, []byte(body)) }

// allocated is how many bytes a function asks for, those included that it has soon no more use for.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestWeigh holds the estimate against what is allocated in all: of that, a third at most is held at once.
func TestWeigh(t *testing.T) {
	c, _ := New(nil)
	for name, pair := range heavyDocuments(20_000) {
		weight := assay.WeightOf(c, pair[0], pair[1])
		if took := allocated(func() { c.Compare(pair[0], pair[1]) }); weight < took/3 {
			t.Errorf("%s: %d bytes are allocated for a weight of %d", name, took, weight)
		}
		if size := int64(len(pair[0].Body) + len(pair[1].Body)); weight > 250*size {
			t.Errorf("%s: %d bytes weigh %d", name, size, weight)
		}
	}
}

func TestWeighCodedBodies(t *testing.T) {
	c, _ := New(nil)
	body := []byte("[" + strings.Repeat("1,", 100_000) + "1]")
	plain, other := document("application/json", string(body)), document("application/json", "[2]")
	want := assay.WeightOf(c, plain, other)
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		if got := assay.WeightOf(c, encoded("application/json", body, coding), other); got != want {
			t.Errorf("%s: weighs %d, want %d", coding, got, want)
		}
	}
	if got := assay.WeightOf(c, plain, plain); got != 0 {
		t.Errorf("equal bytes weigh %d", got)
	}
	broken := document("application/json", "no gzip")
	broken.Header["Content-Encoding"] = []string{"gzip"}
	if got := assay.WeightOf(c, broken, document("application/json", "")); got != 0 {
		t.Errorf("what cannot be read weighs %d", got)
	}
}
