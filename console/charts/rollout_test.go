package charts

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func TestShares(t *testing.T) {
	noon := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	steps := []assay.Step{
		{Time: noon, From: assay.StageShadow, To: assay.StageCanary, Weight: 0.1},
		{Time: noon.Add(time.Minute), From: assay.StageCanary, To: assay.StageRolledBack, Weight: 0},
	}
	c := Shares(assay.Standing{Candidate: "new", Weight: 0}, steps, noon.Add(time.Hour))
	if len(c.At) != 3 || c.At[2]-c.At[0] != 3600 || *c.Series[0].Values[0] != 0.1 || *c.Series[0].Values[2] != 0 {
		t.Errorf("%+v", c)
	}
	if c := Shares(assay.Standing{}, nil, noon); len(c.Series) != 0 {
		t.Errorf("%+v", c)
	}
}
