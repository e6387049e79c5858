package laboratory

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assaylab/assay"
)

// A descriptor set that changes begins new evidence, wherever a comparator names it.
func TestDescriptorsHaveARevision(t *testing.T) {
	file := filepath.Join(t.TempDir(), "api.binpb")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := &bureau{}
	specs := []assay.ComparatorSpec{
		{Kind: assay.CompareBody, Descriptor: file},
		{Kind: assay.CompareBody, Within: map[string]assay.ComparatorSpec{"$.a": {Descriptor: file}}},
		{Kind: assay.CompareBody},
	}
	write("one")
	before, again := b.revise(specs), b.revise(specs)
	write("two")
	after := b.revise(specs)
	for i := range specs[:2] {
		if before[i].Revision == "" || before[i].Revision != again[i].Revision || before[i].Revision == after[i].Revision {
			t.Errorf("comparator %d: %q, %q, then %q", i, before[i].Revision, again[i].Revision, after[i].Revision)
		}
	}
	if before[2].Revision != "" {
		t.Errorf("one without has %q", before[2].Revision)
	}
	if _, err := readDescriptors(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there can be read")
	}
}
