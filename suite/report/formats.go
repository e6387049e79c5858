package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/assaylab/assay/suite"
)

// Lines writes each result as a line of JSON.
func Lines(w io.Writer, r suite.Run) error {
	e := json.NewEncoder(w)
	for _, result := range r.Results {
		if err := e.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

// TAP writes a run in the Test Anything Protocol, version 14.
func TAP(w io.Writer, r suite.Run) error {
	out := &strings.Builder{}
	fmt.Fprintf(out, "TAP version 14\n1..%d\n", len(r.Results))
	for i, result := range r.Results {
		ok, directive := "ok", ""
		switch {
		case result.Quarantined:
			ok, directive = "not ok", " # TODO quarantined: "+oneLine(result.Message)
		case result.Status.Bad():
			ok = "not ok"
		case result.Status == suite.Skip:
			directive = " # SKIP " + oneLine(result.Message)
		case result.Status == suite.XFail:
			ok, directive = "not ok", " # TODO "+oneLine(result.Message)
		}
		fmt.Fprintf(out, "%s %d - %s%s\n", ok, i+1, strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(oneLine(result.ID)), directive)
		if result.Status.Bad() {
			fmt.Fprintf(out, "  ---\n  severity: %s\n  message: %q\n  ...\n", result.Status, result.Message)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func oneLine(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }

// GitHub writes a workflow command for each test that failed, which GitHub shows beside the code.
func GitHub(w io.Writer, r suite.Run) error {
	out := &strings.Builder{}
	for _, b := range r.Results {
		if !b.Status.Bad() {
			continue
		}
		level := "error"
		if b.Quarantined {
			level = "warning"
		}
		fmt.Fprintf(out, "::%s file=%s,line=%d,title=%s::%s\n", level, property(b.File), max(b.Line, 1), property(b.ID), data(b.Message))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// data and property escape as GitHub's toolkit does.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
