package runner

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
)

// Command is a runner of the user's own: shell commands that list tests and run them.
type Command struct {
	List     string // prints the ids of all tests, one a line
	Run      string // runs those whose ids stand in the place of {tests}
	Outcomes string // where outcomes are: "exit", "tap" (the output), or "junit:" and a glob of files that it writes
}

// Placeholder is where ids go in Command.Run, each quoted for the shell.
const Placeholder = "{tests}"

// Kind returns the runner, or what is wrong with the commands.
func (c Command) Kind() (Kind, error) {
	glob, junit := strings.CutPrefix(c.Outcomes, "junit:")
	wrong := &assay.Error{Code: assay.CodeInvalid, Hint: "for example --list 'ls tests/*.sh' --command 'sh {tests}'"}
	switch {
	case !strings.Contains(c.Run, Placeholder):
		wrong.What = fmt.Sprintf("--command %q does not say where the tests go: %s", c.Run, Placeholder)
	case strings.TrimSpace(c.List) == "":
		wrong.What = "--list is missing: the command that prints the ids of all tests, one a line"
	case c.Outcomes != "exit" && c.Outcomes != "tap" && (!junit || glob == ""):
		wrong.What, wrong.Hint = fmt.Sprintf("--outcomes %q is unknown", c.Outcomes), "use exit, tap, or junit:FILE"
	default:
		return Kind{Name: "command", list: c.list}, nil
	}
	return Kind{}, wrong
}

func (c Command) list(ctx context.Context, k Kind, p Place, args []string) (suite.Listing, error) {
	l := suite.Listing{Settings: map[string]string{"run": c.Run, "outcomes": c.Outcomes}}
	cmd := p.command(ctx, append([]string{"sh", "-c", c.List, "sh"}, args...)...)
	out, said := &head{most: maxListed}, &head{most: maxPrinted}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		l.Output, l.Exit = out.String()+said.String(), exit.ExitCode()
		return l, nil
	} else if err != nil && !errors.Is(err, exec.ErrWaitDelay) { // what it left behind is none of ours
		return l, err
	}
	l.Output = said.String()
	seen := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		id := strings.TrimSpace(line)
		if id == "" {
			continue
		}
		if seen[id] {
			return l, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("two tests are called %q", id), Where: c.List, Hint: "have --list print each id once"}
		}
		seen[id] = true
		l.Tests = append(l.Tests, suite.Test{ID: id, Name: id})
	}
	return l, nil
}

// maxListed bounds what a command lists.
const maxListed = 64 << 20
