// Package runner finds a project's test runner, lists its tests, and holds the programs that run them on
// workers. In come a project's folder and the runner's arguments; out go tests, and the files of the
// worker's function. A runner is a Kind here and two files in worker: list_NAME.py, which lists, and
// run_NAME.py, which runs single tests in a process that stays.
package runner

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
)

//go:embed worker
var files embed.FS

// Files are those of the worker's function. Its handler is Handler.
func Files() fs.FS {
	sub, err := fs.Sub(files, "worker")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// Handler is the worker's, for a runtime of Python's.
const Handler = "worker.handler"

// Kind is a runner.
type Kind struct {
	Name    string
	marks   []string // globs of files that show a project of its kind
	content string   // what one of these must contain; "" for anything
	missing string   // what to do when the runner is not installed
}

// kinds are all runners, in the order in which they are looked for.
var kinds = []Kind{
	{Name: "pytest", marks: []string{"pytest.ini", "conftest.py", "tests/conftest.py"}, missing: "pip install pytest"},
	{Name: "pytest", marks: []string{"pyproject.toml", "setup.cfg", "tox.ini"}, content: "pytest", missing: "pip install pytest"},
	{Name: "pytest", marks: []string{"requirements*.txt"}, content: "pytest", missing: "pip install pytest"},
	{Name: "pytest", marks: []string{"test_*.py", "tests/test_*.py", "test/test_*.py", "*_test.py", "*/tests/test_*.py"}, missing: "pip install pytest"},
}

// Names lists the runners there are.
func Names() (names []string) {
	seen := map[string]bool{}
	for _, k := range kinds {
		if !seen[k.Name] {
			names = append(names, k.Name)
		}
		seen[k.Name] = true
	}
	return names
}

// Named returns the runner of a name.
func Named(name string) (Kind, error) {
	for _, k := range kinds {
		if k.Name == name {
			return k, nil
		}
	}
	return Kind{}, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("there is no runner %q", name), Hint: "use one of " + strings.Join(Names(), ", ")}
}

// Find looks for the runner of a project.
func Find(dir string) (Kind, error) {
	for _, k := range kinds {
		if k.fits(dir) {
			return k, nil
		}
	}
	return Kind{}, &assay.Error{
		Code: assay.CodeInvalid, What: "no test runner is known for this project", Where: dir,
		Hint: "name one with --runner: " + strings.Join(Names(), ", "),
	}
}

func (k Kind) fits(dir string) bool {
	for _, glob := range k.marks {
		found, _ := filepath.Glob(filepath.Join(dir, glob))
		for _, file := range found {
			if data, err := os.ReadFile(file); err == nil && bytes.Contains(data, []byte(k.content)) {
				return true
			}
		}
	}
	return false
}

// Place is where a runner runs on this machine.
type Place struct {
	Dir    string // the project's
	Python string // the interpreter that has the project's packages
	Worker string // where Files are laid out
	Env    []string
}

// List lists the tests of a project by its own runner, on this machine, without running them. What the
// runner says of parts that cannot be listed is in the listing; an error means that there is none.
func (k Kind) List(ctx context.Context, p Place, args []string) (suite.Listing, error) {
	out, err := os.CreateTemp("", "assay-tests-*.json")
	if err != nil {
		return suite.Listing{}, err
	}
	out.Close()
	defer os.Remove(out.Name())
	cmd := exec.CommandContext(ctx, p.Python, append([]string{filepath.Join(p.Worker, "list_"+k.Name+".py"), out.Name()}, args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = p.Dir, p.Env, time.Second
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	ended := cmd.Run()
	var l suite.Listing
	data, err := os.ReadFile(out.Name())
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, &l)
	}
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	if err != nil || len(data) == 0 {
		return l, k.unlisted(p, ended, printed.String())
	}
	l.Output = printed.String()
	return l, nil
}

// unlisted says why there is no listing at all.
func (k Kind) unlisted(p Place, ended error, printed string) error {
	e := &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("%s could not list the tests", k.Name), Where: p.Dir, Err: ended}
	switch {
	case errors.Is(ended, exec.ErrNotFound), strings.Contains(printed, "No module named '"+k.Name+"'"):
		e.What, e.Hint = fmt.Sprintf("%s is not installed for %s", k.Name, p.Python), k.missing
	case ended != nil:
		e.What += ": " + ended.Error() + "\n" + strings.TrimRight(printed, "\n")
		e.Hint = "run it without Assay first"
	}
	return e
}
