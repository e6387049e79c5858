// Package ci says verdicts in the words of the tools that gate changes: a summary in Markdown for the page of a
// run, JUnit XML, SARIF, and the annotations of GitHub Actions. In comes an experiment of the API, out goes
// text. Pure.
package ci

import (
	"fmt"
	"math"
	"strconv"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// caption names a candidate for people.
func caption(a shape.Arm) string {
	if a.Title == "" {
		return a.Name
	}
	return a.Name + " (" + a.Title + ")"
}

// unbounded is from where on a number means that nothing is known; shape has no infinity.
const unbounded = 1e6

// percent is a share or a ratio for people, in per cent with four significant digits.
func percent(x float64) string {
	switch {
	case x >= unbounded:
		return "any"
	case x <= -unbounded:
		return "none"
	}
	return strconv.FormatFloat(x*100, 'g', 4, 64) + "%"
}

func interval(p [2]float64) string { return percent(p[0]) + " to " + percent(p[1]) }

// estimate is the best guess of a check.
func estimate(c assay.Check) string {
	if c.Estimate == nil || math.Abs(*c.Estimate) >= unbounded {
		return "-"
	}
	return percent(*c.Estimate)
}

// differs says where a candidate differed, and how often.
func differs(a shape.Arm, p assay.PathCount) string {
	return fmt.Sprintf("%s: %s differs from the control at %s in %d of %d trials; the control differs from itself there in %d",
		p.Kind, a.Name, p.Path, p.Mismatches, a.Trials, p.Noise)
}
