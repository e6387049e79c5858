package compare_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/compare/format"
)

// noopFormat finds no differences.
func noopFormat() format.Format {
	return format.Format{
		Name:  "noop",                         // body: {as: noop}
		Media: []string{"application/x-noop"}, // or without as, by content type
		Build: func(assay.ComparatorSpec, format.Formats) (format.CompareFunc, []assay.Flaw) {
			return func(control, other format.Content) []assay.Difference {
				return nil
			}, nil
		},
	}
}

// TestAdding runs the format that ADDING.md shows.
func TestAdding(t *testing.T) {
	guide, err := os.ReadFile("ADDING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(guide, []byte("```go\n"))
	shown, _, _ := bytes.Cut(rest, []byte("```"))
	here, err := os.ReadFile("adding_test.go")
	if err != nil || len(shown) == 0 || !bytes.Contains(here, shown) {
		t.Fatalf("ADDING.md shows another format than this test compiles: %v\n%s", err, shown)
	}
	known := compare.Extra{Formats: format.Formats{noopFormat()}}
	side := func(media, body string) *assay.Observation {
		return &assay.Observation{Header: assay.Header{"Content-Type": {media}}, Body: []byte(body), BodySize: int64(len(body))}
	}
	for _, test := range []struct {
		spec  assay.ComparatorSpec
		media string
		want  int
	}{
		{assay.ComparatorSpec{Kind: assay.CompareBody}, "application/x-noop", 0},
		{assay.ComparatorSpec{Kind: assay.CompareBody}, "text/plain", 1},
		{assay.ComparatorSpec{Kind: assay.CompareBody, As: "noop"}, "text/plain", 0},
	} {
		c, flaws := known.New([]assay.ComparatorSpec{test.spec})
		if len(flaws) > 0 {
			t.Fatal(flaws)
		}
		if got := c.Compare(side(test.media, "a"), side(test.media, "b")); len(got) != test.want {
			t.Errorf("%+v, %s: %+v", test.spec, test.media, got)
		}
	}
	_, flaws := known.New([]assay.ComparatorSpec{{Kind: assay.CompareBody, As: "noop", Ignore: []string{"$.a"}}})
	if len(flaws) != 1 || flaws[0].Path[2] != "ignore" {
		t.Errorf("an option it does not take: %+v", flaws)
	}
}
