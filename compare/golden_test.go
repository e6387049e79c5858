package compare

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/image/imagetest"
)

// golden is one record of a file in testdata: lines of "name: value", records apart by an empty line.
//
//	case       what the record shows
//	options    of the comparator, as JSON (ComparatorSpec)
//	control    the control's side, in the file's own notation; after "go:" comes a Go string literal
//	candidate  likewise
//	want       an expected difference: KIND PATH | CONTROL | CANDIDATE | DETAIL | IGNORED, without what is empty at the end
type golden struct {
	name               string
	spec               assay.ComparatorSpec
	control, candidate string
	want               []string
}

func readGolden(t *testing.T, file string) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for _, record := range strings.Split(string(data), "\n\n") {
		if g := parseGolden(t, record); g.name != "" {
			all = append(all, g)
		}
	}
	return all
}

func parseGolden(t *testing.T, record string) (g golden) {
	t.Helper()
	for line := range strings.Lines(record) {
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case line == "" || line[0] == '#':
		case name == "case":
			g.name = value
		case name == "options":
			if err := json.Unmarshal([]byte(value), &g.spec); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		case name == "control":
			g.control = literal(t, value)
		case name == "candidate":
			g.candidate = literal(t, value)
		case name == "want":
			g.want = append(g.want, value)
		default:
			t.Fatalf("unknown line %q", line)
		}
	}
	return g
}

// literal is the string after "go:", or what is there.
func literal(t *testing.T, s string) string {
	t.Helper()
	if !strings.HasPrefix(s, "go:") {
		return s
	}
	u, err := strconv.Unquote(strings.TrimPrefix(s, "go:"))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return u
}

func showDifference(d assay.Difference) string {
	s := strings.Join([]string{string(d.Kind) + " " + d.Path, d.Control, d.Candidate, d.Detail, d.Ignored}, " | ")
	return strings.ReplaceAll(strings.TrimRight(s, " |"), "\n", `\n`)
}

// update writes what is found into the files of testdata, to be read before it is committed.
var update = flag.Bool("update", false, "write what is found into testdata")

// rewrite puts the differences found into the records of a file.
func rewrite(t *testing.T, file string, found map[string][]string) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	records := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n\n")
	for i, record := range records {
		g := parseGolden(t, record)
		if g.name == "" {
			continue
		}
		lines := slices.DeleteFunc(strings.Split(record, "\n"), func(line string) bool { return strings.HasPrefix(line, "want:") })
		for _, want := range found[g.name] {
			lines = append(lines, "want: "+want)
		}
		records[i] = strings.Join(lines, "\n")
	}
	if err := os.WriteFile("testdata/"+file, []byte(strings.Join(records, "\n\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runGolden compares every record of a file, sides made by observe.
func runGolden(t *testing.T, file, kind string, atLeast int, observe func(t *testing.T, side string) *assay.Observation) {
	all := readGolden(t, file)
	if len(all) < atLeast {
		t.Errorf("%s has %d records", file, len(all))
	}
	found := map[string][]string{}
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			g.spec.Kind = kind
			got := comparator(t, g.spec).Compare(observe(t, g.control), observe(t, g.candidate))
			var lines []string
			for _, d := range got {
				lines = append(lines, showDifference(d))
			}
			found[g.name] = lines
			if strings.Join(lines, "\n") != strings.Join(g.want, "\n") && !*update {
				t.Errorf("control   %s\ncandidate %s\ngot\n\t%s\nwant\n\t%s", g.control, g.candidate, strings.Join(lines, "\n\t"), strings.Join(g.want, "\n\t"))
			}
		})
	}
	if *update {
		rewrite(t, file, found)
	}
}

func comparator(t testing.TB, specs ...assay.ComparatorSpec) assay.Comparator {
	t.Helper()
	c, flaws := New(specs)
	if len(flaws) > 0 {
		t.Fatalf("flaws: %+v", flaws)
	}
	return c
}

// answer is an observation of a whole body with a content type.
func answer(contentType string, body []byte) *assay.Observation {
	o := &assay.Observation{Status: 200, Header: assay.Header{}, Body: body, BodySize: int64(len(body))}
	if contentType != "" {
		o.Header.Set("Content-Type", contentType)
	}
	return o
}

func TestGoldenJSON(t *testing.T) {
	runGolden(t, "json.txt", assay.CompareBody, 20, func(_ *testing.T, side string) *assay.Observation {
		return answer("application/json", []byte(side))
	})
}

func TestGoldenText(t *testing.T) {
	runGolden(t, "text.txt", assay.CompareBody, 20, func(_ *testing.T, side string) *assay.Observation {
		return answer("text/plain; charset=utf-8", []byte(side))
	})
}

func TestGoldenViews(t *testing.T) {
	runGolden(t, "views.txt", assay.CompareBody, 20, func(_ *testing.T, side string) *assay.Observation {
		return answer("", []byte(side))
	})
}

func TestGoldenBytes(t *testing.T) {
	runGolden(t, "bytes.txt", assay.CompareBody, 5, func(_ *testing.T, side string) *assay.Observation {
		return answer("application/octet-stream", []byte(side))
	})
}

func TestGoldenHeaders(t *testing.T) {
	runGolden(t, "headers.txt", assay.CompareHeaders, 20, func(t *testing.T, side string) *assay.Observation {
		o := answer("", nil)
		for field := range strings.SplitSeq(side, " | ") {
			name, value, _ := strings.Cut(field, ":")
			o.Header.Add(name, strings.TrimSpace(value))
		}
		return o
	})
}

func TestGoldenImages(t *testing.T) {
	runGolden(t, "images.txt", assay.CompareBody, 20, func(t *testing.T, side string) *assay.Observation {
		format, drawing, _ := strings.Cut(side, " ")
		return answer("image/png", imagetest.Draw(t, format, drawing))
	})
}
