package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/console/shape"
)

var (
	message  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// Annotations writes what did not hold as workflow commands of GitHub Actions, which shows them beside the definition.
func Annotations(w io.Writer, e *shape.Experiment, places func(candidate string) Place) error {
	for _, a := range e.Candidates() {
		command := "warning"
		switch a.Verdict.Outcome {
		case assay.Holds:
			continue
		case assay.Refuted:
			command = "error"
		}
		at := places(a.Name)
		title := fmt.Sprintf("%s: %s is %s", e.Name, caption(a), a.Verdict.Outcome)
		_, err := fmt.Fprintf(w, "::%s file=%s,line=%d,title=%s::%s\n", command, property.Replace(at.File), max(at.Line, 1), property.Replace(title), message.Replace(a.Verdict.Reason))
		if err != nil {
			return err
		}
	}
	return nil
}
