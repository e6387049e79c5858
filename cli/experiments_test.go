package cli

import (
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// What has no candidate, no longer one, or no folder of code, is said instead of left blank.
func TestAbsenceIsSaid(t *testing.T) {
	var verdict, clusters, function strings.Builder
	printVerdicts(&verdict, &shape.Experiment{Name: "lone"})
	if !strings.Contains(verdict.String(), "no candidate") {
		t.Errorf("no reason: %q", verdict.String())
	}
	if err := clusterTable(&clusters, []shape.Cluster{{Cluster: assay.Cluster{ID: "1", Arm: "old"}, Removed: true}, {Cluster: assay.Cluster{ID: "2", Arm: "new"}}}); err != nil {
		t.Fatal(err)
	}
	if got := clusters.String(); !strings.Contains(got, "old (removed)") || strings.Contains(got, "new (removed)") {
		t.Errorf("which candidate is removed is not told:\n%s", got)
	}
	if err := describeFunction(&function, []byte(`{"name": "zipped", "code_sha256": "x"}`)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(function.String(), "(uploaded)") {
		t.Errorf("where the code is from is not told:\n%s", function.String())
	}
}
