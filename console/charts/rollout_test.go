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
	arms := []Arm{{Name: "new", Role: assay.RoleControl, Label: "Old"}, {Name: "new", Role: assay.RoleCandidate, Label: "From the new table", Tone: "2"}}
	c := Shares(assay.Standing{Candidate: "new", Weight: 0}, steps, arms, noon.Add(time.Hour))
	if len(c.At) != 3 || c.At[2]-c.At[0] != 3600 || *c.Series[0].Values[0] != 0.1 || *c.Series[0].Values[2] != 0 {
		t.Errorf("%+v", c)
	}
	if s := c.Series[0]; s.Label != "From the new table" || s.Tone != "2" {
		t.Errorf("%+v", s)
	}
	if c := Shares(assay.Standing{Candidate: "gone"}, steps, arms, noon); c.Series[0].Label != "gone" {
		t.Errorf("%+v", c)
	}
	if c := Shares(assay.Standing{}, nil, nil, noon); len(c.Series) != 0 {
		t.Errorf("%+v", c)
	}
}
