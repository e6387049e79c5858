package cli

import (
	"os"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
)

// arrange decides which tests have processes of their own: those that their suite marks, or --alone names.
func (t *testRun) arrange() error {
	alone, err := t.list(t.options.alone)
	if err != nil {
		return err
	}
	t.own = map[string]string{}
	for _, test := range t.tests {
		if test.Alone || alone.Find(test.ID) >= 0 {
			t.own[test.ID] = test.ID
		}
	}
	return nil
}

// list reads patterns of tests, and files of them: @FILE.
func (t *testRun) list(patterns []string) (all suite.List, err error) {
	for _, p := range patterns {
		file, isFile := strings.CutPrefix(p, "@")
		if !isFile {
			all = append(all, suite.Entry{Pattern: p})
			continue
		}
		text, err := os.ReadFile(absolute(t.process.Dir, file))
		if err != nil {
			return nil, &assay.Error{Code: assay.CodeInvalid, What: "a list of tests cannot be read: " + err.Error(), Where: file, Hint: "write one test's id a line", Err: err}
		}
		all = append(all, suite.ParseList(string(text))...)
	}
	return all, nil
}
