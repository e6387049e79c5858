package run

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/suite/runner"
)

// find finds the runner and its place, and checks the flags.
func (t *testRun) find() (err error) {
	if !slices.Contains([]string{"embedded", "aws", "local"}, t.options.Engine) {
		return process.Invalid(fmt.Sprintf("--engine %q is unknown", t.options.Engine), "use embedded, aws or local")
	}
	if !slices.Contains([]string{"auto", "class", "file", "none"}, t.options.GroupBy) {
		return process.Invalid(fmt.Sprintf("--group-by %q is unknown", t.options.GroupBy), "use auto, class, file or none")
	}
	if _, err := workersWanted(t.options.Workers); err != nil {
		return err
	}
	if t.kind, err = t.runner(); err != nil {
		return err
	}
	t.place.Dir, t.place.Python = t.process.Dir, t.python
	if t.python == "" {
		t.place.Python, err = python(t.process)
	}
	return err
}

// runner is the one that was asked for, or that the project's files show.
func (t *testRun) runner() (runner.Kind, error) {
	switch o := t.options; {
	case o.Command != "" || o.List != "" || o.Runner == "command":
		return runner.Command{List: o.List, Run: o.Command, Outcomes: o.Outcomes}.Kind()
	case o.Runner != "":
		return runner.Named(o.Runner)
	}
	k, also, err := runner.Find(t.process.Dir)
	if len(also) > 0 {
		fmt.Fprintf(t.process.Stderr, "assay: these are the tests of %s; --runner chooses %s\n", k.Name, strings.Join(also, " or "))
	}
	return k, err
}

// workersWanted reads --workers; 0 for auto.
func workersWanted(text string) (int, error) {
	if text == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, process.Invalid(fmt.Sprintf("--workers %q", text), "use auto or a number from 1 to 1000")
	}
	return n, nil
}

// python is the interpreter of the project: of its virtual environment, or the one on the PATH.
func python(p *process.Process) (string, error) {
	var places []string
	if active, ok := p.Env("VIRTUAL_ENV"); ok && active != "" {
		places = append(places, active)
	}
	for _, place := range append(places, filepath.Join(p.Dir, ".venv"), filepath.Join(p.Dir, "venv")) {
		if file := filepath.Join(place, "bin", "python"); exists(file) {
			return file, nil
		}
	}
	path, _ := p.Env("PATH")
	for _, dir := range filepath.SplitList(path) {
		if file := filepath.Join(dir, "python3"); exists(file) {
			return file, nil
		}
	}
	return "", process.Invalid("python3 is not installed: the workers' programs are written in it", "the Debian package python3 brings it")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
