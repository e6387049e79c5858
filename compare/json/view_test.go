package json

import (
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
)

// What cannot be read is never equal to anything but its own bytes, whatever the format; what can is equal to
// itself written again.
func FuzzViews(f *testing.F) {
	for _, seed := range []string{"a=1&b=%zz", "a,b\n1,2\n", "<a b='1'><c/>t</a>", "<p class=x>hi", "1\n{}\n", "data: 1\n\n", "a\tb\n1\t2"} {
		f.Add([]byte(seed), []byte("x"))
	}
	f.Fuzz(func(t *testing.T, control, other []byte) {
		for _, f := range views() {
			compare, flaws := f.Build(assay.ComparatorSpec{}, Formats())
			if len(flaws) > 0 {
				t.Fatal(flaws)
			}
			ab, ba := compare(format.Content{Data: control}, format.Content{Data: other}), compare(format.Content{Data: other}, format.Content{Data: control})
			if len(ab) != len(ba) {
				t.Fatalf("%s: %d differences one way, %d the other", f.Name, len(ab), len(ba))
			}
			for _, d := range compare(format.Content{Data: control}, format.Content{Data: control}) {
				if d.Kind != assay.KindMalformed {
					t.Fatalf("%s: it differs from itself: %+v", f.Name, d)
				}
			}
		}
	})
}
