package report

import (
	"encoding/xml"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay/suite"
)

// The JUnit XML that Maven Surefire writes, with what others read as well: file and line.
type (
	xmlSuite struct {
		XMLName  xml.Name  `xml:"testsuite"`
		Name     string    `xml:"name,attr"`
		Tests    int       `xml:"tests,attr"`
		Failures int       `xml:"failures,attr"`
		Errors   int       `xml:"errors,attr"`
		Skipped  int       `xml:"skipped,attr"`
		Time     seconds   `xml:"time,attr"`
		Stamp    string    `xml:"timestamp,attr"`
		Cases    []xmlCase `xml:"testcase"`
	}
	xmlCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		File    string     `xml:"file,attr,omitempty"`
		Line    int        `xml:"line,attr,omitempty"`
		Time    seconds    `xml:"time,attr"`
		Failure *xmlDetail `xml:"failure"`
		Error   *xmlDetail `xml:"error"`
		Skipped *xmlDetail `xml:"skipped"`
		Flaky   []xmlRerun `xml:"flakyFailure"`
		Reruns  []xmlRerun `xml:"rerunFailure"`
		Output  string     `xml:"system-out,omitempty"`
	}
	xmlDetail struct {
		Message string `xml:"message,attr,omitempty"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	xmlRerun struct {
		Message string `xml:"message,attr,omitempty"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:"stackTrace"`
		Output  string `xml:"system-out,omitempty"`
	}
)

// JUnit writes a run as JUnit XML in the dialect of Maven Surefire.
func JUnit(w io.Writer, r suite.Run) error {
	s := xmlSuite{Name: r.Name, Tests: len(r.Results), Time: seconds(r.Wall.Seconds()), Stamp: r.Started.UTC().Format("2006-01-02T15:04:05")}
	for i, result := range r.Results {
		s.Cases = append(s.Cases, testcase(r.Planned[i], result))
	}
	for _, c := range s.Cases {
		s.Failures += count(c.Failure)
		s.Errors += count(c.Error)
		s.Skipped += count(c.Skipped)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(struct {
		XMLName xml.Name `xml:"testsuites"`
		Suite   xmlSuite
	}{Suite: s}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func count(d *xmlDetail) int {
	if d == nil {
		return 0
	}
	return 1
}

func testcase(t suite.Test, r suite.Result) xmlCase {
	c := xmlCase{Class: legal(t.Class), Name: legal(name(t)), File: legal(r.File), Line: r.Line, Time: seconds(r.Duration().Seconds()), Output: legal(r.Output)}
	d := &xmlDetail{Message: legal(r.Message), Type: string(r.Status), Text: legal(r.Detail)}
	if r.Quarantined { // whatever reads this shall not fail the build
		d.Message = "quarantined: " + d.Message
		c.Skipped = d
		return c
	}
	switch r.Status {
	case suite.Fail:
		c.Failure = d
	case suite.Error, suite.Crash, suite.Timeout, suite.Lost:
		c.Error = d
	case suite.Skip, suite.XFail:
		c.Skipped = d
	}
	for _, a := range r.Attempts {
		rerun := xmlRerun{Message: legal(a.Message), Type: string(a.Status), Text: legal(a.Detail), Output: legal(a.Output)}
		if r.Status.Bad() {
			c.Reruns = append(c.Reruns, rerun)
		} else {
			c.Flaky = append(c.Flaky, rerun)
		}
	}
	return c
}

func name(t suite.Test) string {
	if t.Name != "" {
		return t.Name
	}
	return t.ID
}

// legal replaces what XML 1.0 cannot hold.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r < utf8.RuneError, r > utf8.RuneError && r <= 0x10FFFF:
			return r
		}
		return '\uFFFD'
	}, s)
}
