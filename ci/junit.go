package ci

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

// JUnit writes an experiment as JUnit XML: a suite, in which each claim on each candidate is a test. What is
// refuted failed; what is inconclusive is an error, so that no gate takes it for a success.
func JUnit(w io.Writer, e *shape.Experiment, now time.Time) error {
	suite := junit.Testsuite{Name: "assay " + e.Name, Time: "0"}
	suite.SetTimestamp(now.UTC())
	suite.AddProperty("trials", fmt.Sprint(e.Trials))
	suite.AddProperty("requests", fmt.Sprint(e.Requests))
	for _, a := range e.Candidates() {
		for _, c := range claims(a.Verdict) {
			suite.AddTestcase(testcase(e.Name, a, c))
		}
	}
	var all junit.Testsuites
	all.AddSuite(suite)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	return all.WriteXML(w)
}

// claims are a verdict's checks, or the verdict itself while there are none.
func claims(v assay.Verdict) []assay.Check {
	if len(v.Evidence.Checks) > 0 {
		return v.Evidence.Checks
	}
	return []assay.Check{{Clause: "hypothesis", Conclusion: v.Outcome, Interval: v.Evidence.MismatchInterval, Reason: v.Reason}}
}

func testcase(experiment string, a shape.Arm, c assay.Check) junit.Testcase {
	t := junit.Testcase{Name: c.Clause, Classname: experiment + "." + a.Name, Time: "0"}
	if c.Conclusion == assay.Holds {
		return t
	}
	result := &junit.Result{Message: c.Reason, Type: string(c.Conclusion), Data: fmt.Sprintf("%s\nestimate %s, true value %s\n%s\n", c.Reason, estimate(c), interval(c.Interval), a.Verdict.Change)}
	if c.Conclusion == assay.Refuted {
		t.Failure = result
	} else {
		t.Error = result
	}
	return t
}
