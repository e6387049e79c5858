package ci

import (
	"encoding/json"
	"io"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// Place is where a tool that shows findings in files shows those of an experiment.
type Place struct {
	File string // the definition's, relative to the repository
	Line int    // from 1
}

// the rules of the SARIF report: what kinds of findings there are.
const (
	ruleRefuted  = "refuted"
	ruleDiffers  = "differs"
	informations = "https://github.com/assaylab/assay"
)

// SARIF writes an experiment's findings as SARIF 2.1.0, for code scanning: each claim that is refuted is an error, each
// path at which a candidate differs a warning, or an error where the candidate is refuted by it. places tells where a
// candidate is defined.
func SARIF(w io.Writer, e *shape.Experiment, version string, places func(candidate string) Place) error {
	run := sarif.NewRunWithInformationURI("assay", informations)
	run.Tool.Driver.WithVersion(version)
	run.AddRule(ruleRefuted).WithDescription("A candidate's hypothesis is refuted")
	run.AddRule(ruleDiffers).WithDescription("A candidate answers differently from the control")
	run.WithResults([]*sarif.Result{}) // none is a finding as well
	for _, a := range e.Candidates() {
		at := location(places(a.Name))
		for _, c := range claims(a.Verdict) {
			if c.Conclusion == assay.Refuted {
				run.AddResult(result(ruleRefuted, "error", a.Name+": "+c.Clause+" is refuted: "+c.Reason, at, e.Name, a.Name, c.Clause))
			}
		}
		level := "warning"
		if a.Verdict.Outcome == assay.Refuted {
			level = "error"
		}
		for _, p := range a.Paths {
			if p.Mismatches > 0 {
				run.AddResult(result(ruleDiffers, level, differs(a, p), at, e.Name, a.Name, p.Path+" "+string(p.Kind)))
			}
		}
	}
	report := sarif.NewReport()
	report.AddRun(run)
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(report)
}

func location(p Place) *sarif.Location {
	return sarif.NewLocationWithPhysicalLocation(sarif.NewPhysicalLocation().
		WithArtifactLocation(sarif.NewSimpleArtifactLocation(p.File)).
		WithRegion(sarif.NewSimpleRegion(max(p.Line, 1), max(p.Line, 1))))
}

// result is a finding. Its fingerprint lets tools know it again in the next run.
func result(rule, level, message string, at *sarif.Location, experiment, candidate, what string) *sarif.Result {
	return sarif.NewRuleResult(rule).WithLevel(level).WithMessage(sarif.NewTextMessage(message)).AddLocation(at).
		WithPartialFingerprints(map[string]string{"assay/v1": experiment + "/" + candidate + "/" + what})
}
