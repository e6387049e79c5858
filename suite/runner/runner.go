// Package runner finds a project's test runner, lists its tests, and holds the programs that run them on
// workers. In come a project's folder and the runner's arguments; out go tests, and the files of the
// worker's function. A runner is a Kind here, the signs it is found by, and programs in worker:
// list_NAME, which lists, and run_NAME, which runs chosen tests in a process that stays where the runner
// allows it. Each is in the runner's language.
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
	list    lister
	missing string // what to do when the runner is not installed
	builds  bool
	node    bool
}

// Builds tells whether listing builds what workers need: Listing.Files.
func (k Kind) Builds() bool { return k.builds }

// NeedsNode tells whether workers need Node.js.
func (k Kind) NeedsNode() bool { return k.node }

// lister lists the tests of a project.
type lister func(ctx context.Context, k Kind, p Place, args []string) (suite.Listing, error)

// kinds are all runners.
var kinds = []Kind{
	{Name: "pytest", list: inPython, missing: "pip install pytest"},
	{Name: "unittest", list: inPython}, // it comes with Python
	{Name: "nose2", list: inPython, missing: "pip install nose2"},
	{Name: "go", list: inGo, missing: "install Go, and have it on the PATH", builds: true},
	{Name: "vitest", list: inNode, missing: "npm install --save-dev vitest", node: true},
	{Name: "jest", list: inNode, missing: "npm install --save-dev jest", node: true},
	{Name: "mocha", list: inNode, missing: "npm install --save-dev mocha", node: true},
	{Name: "node", list: inNode, node: true}, // it comes with Node.js
}

// Place is where a runner runs on this machine.
type Place struct {
	Dir    string // the project's
	Python string // the interpreter that has the project's packages
	Worker string // where Files are laid out
	Build  string // a folder for what is built
	Env    []string
}

// List lists the tests of a project by its own runner, on this machine, without running them. What the
// runner says of parts that cannot be listed is in the listing; an error means that there is none.
func (k Kind) List(ctx context.Context, p Place, args []string) (suite.Listing, error) {
	return k.list(ctx, k, p, args)
}

func inPython(ctx context.Context, k Kind, p Place, args []string) (suite.Listing, error) {
	return k.ask(ctx, p, append([]string{p.Python, filepath.Join(p.Worker, "list_"+k.Name+".py")}, args...))
}

func inNode(ctx context.Context, k Kind, p Place, args []string) (suite.Listing, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return suite.Listing{}, &assay.Error{Code: assay.CodeInvalid, What: "node is not installed", Where: p.Dir, Hint: "install Node.js 20.6 or later, and have it on the PATH", Err: err}
	}
	return k.ask(ctx, p, append([]string{node, filepath.Join(p.Worker, "list_"+k.Name+".mjs")}, args...))
}

// ask has a program list: it is given the file for its answer before its other arguments.
func (k Kind) ask(ctx context.Context, p Place, program []string) (suite.Listing, error) {
	out, err := os.CreateTemp("", "assay-tests-*.json")
	if err != nil {
		return suite.Listing{}, err
	}
	out.Close()
	defer os.Remove(out.Name())
	printed, ended := p.run(ctx, append([]string{program[0], program[1], out.Name()}, program[2:]...)...)
	var l suite.Listing
	data, err := os.ReadFile(out.Name())
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, &l)
	}
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	if err != nil || len(data) == 0 {
		return l, k.unlisted(p, ended, printed)
	}
	l.Output = printed
	return l, nil
}

// maxPrinted is how much is kept of what a runner prints while it lists.
const maxPrinted = 1 << 20

// run runs a command in the project, and returns what it printed.
func (p Place) run(ctx context.Context, command ...string) (printed string, ended error) {
	cmd := p.command(ctx, command...)
	out := &head{most: maxPrinted}
	cmd.Stdout, cmd.Stderr = out, out
	ended = cmd.Run()
	return out.String(), ended
}

// command is one to be run in the project. Processes that it leaves behind are not waited for.
func (p Place) command(ctx context.Context, command ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = p.Dir, p.Env, time.Second
	return cmd
}

// head keeps the beginning of what is written to it.
type head struct {
	bytes.Buffer
	most int
}

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), max(h.most-h.Len(), 0))])
	return len(p), nil
}

// unlisted says why there is no listing at all.
func (k Kind) unlisted(p Place, ended error, printed string) error {
	e := &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("%s could not list the tests", k.Name), Where: p.Dir, Err: ended}
	switch {
	case errors.Is(ended, exec.ErrNotFound), strings.Contains(printed, "No module named '"+k.Name+"'"):
		e.What, e.Hint = fmt.Sprintf("%s is not installed for %s", k.Name, p.Python), k.missing
	case strings.Contains(printed, "Cannot find module '"+k.Name+"'"), strings.Contains(printed, "Cannot find module '"+k.Name+"/"):
		e.What, e.Hint = fmt.Sprintf("%s is not installed in node_modules", k.Name), k.missing
	case ended != nil:
		e.What += ": " + ended.Error() + "\n" + strings.TrimRight(printed, "\n")
		e.Hint = "run it without Assay first"
	}
	return e
}
