package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// sign shows what runner a project has: some file by the globs with what it must have, while none has
// what it lacks.
type sign struct {
	runner     string
	globs      []string
	has, lacks *regexp.Regexp
}

var (
	pythonConfig = []string{"pyproject.toml", "setup.cfg", "tox.ini"}
	requirements = []string{"requirements*.txt"}
	manifest     = []string{"package.json"}
	nodeTests    = []string{"test/*.[cm]js", "test/*.js", "*.test.[cm]js", "*.test.js", "src/*.test.js", "src/*.test.[cm]js"}
	pythonTests  = []string{"test_*.py", "tests/test_*.py", "test/test_*.py", "*_test.py", "*/tests/test_*.py", "tests/*/test_*.py"}
)

// signs are in the order in which they are looked for: what a project says outright comes before what its
// files look like, and Python before Go before Node.js.
var signs = []sign{
	{runner: "nose2", globs: []string{"unittest.cfg", "nose2.cfg"}},
	{runner: "nose2", globs: pythonConfig, has: regexp.MustCompile(`\btool\.nose2\b|\bnose2\.\w|-m nose2`)},
	{runner: "pytest", globs: []string{"pytest.ini", "conftest.py", "tests/conftest.py"}},
	{runner: "pytest", globs: pythonConfig, has: regexp.MustCompile(`pytest`)},
	{runner: "pytest", globs: requirements, has: regexp.MustCompile(`pytest`)},
	{runner: "nose2", globs: slices.Concat(pythonConfig, requirements), has: regexp.MustCompile(`\bnose2\b`)},
	{runner: "unittest", globs: pythonTests, has: regexp.MustCompile(`\bunittest\b`), lacks: regexp.MustCompile(`\bpytest\b|(?m)^(async )?def test|^class Test\w*(\(\))?:`)},
	{runner: "pytest", globs: pythonTests},
	{runner: "go", globs: []string{"go.mod", "go.work"}},
	{runner: "vitest", globs: manifest, has: script(`vitest\b`)},
	{runner: "jest", globs: manifest, has: script(`jest\b`)},
	{runner: "mocha", globs: manifest, has: script(`mocha\b`)},
	{runner: "node", globs: manifest, has: script(`node\b[^"]* --test\b`)},
	{runner: "vitest", globs: []string{"vitest.config.*"}},
	{runner: "jest", globs: []string{"jest.config.*"}},
	{runner: "mocha", globs: []string{".mocharc.*"}},
	{runner: "vitest", globs: manifest, has: regexp.MustCompile(`"vitest"\s*:`)},
	{runner: "jest", globs: manifest, has: regexp.MustCompile(`"jest"\s*:`)},
	{runner: "mocha", globs: manifest, has: regexp.MustCompile(`"mocha"\s*:`)},
	{runner: "node", globs: nodeTests, has: regexp.MustCompile(`["'\x60]node:test["'\x60]`)},
}

// script is a command in package.json that runs a program.
func script(program string) *regexp.Regexp {
	return regexp.MustCompile(`"[^"]*"\s*:\s*"([^"]*[ /;&])?` + program)
}

// Find looks for the runner of a project. Also names others that would fit.
func Find(dir string) (k Kind, also []string, err error) {
	var names []string
	for _, s := range signs {
		if !slices.Contains(names, s.runner) && s.fits(dir) {
			names = append(names, s.runner)
		}
	}
	if len(names) == 0 {
		return Kind{}, nil, nothing(dir)
	}
	k, err = Named(names[0])
	return k, names[1:], err
}

// nothing says that a folder shows no runner, and which folders in it do: a repository may hold several projects.
func nothing(dir string) error {
	e := &assay.Error{
		Code: assay.CodeInvalid, What: "no test runner is known for this project", Where: dir,
		Hint: "name one with --runner: " + strings.Join(Names(), ", "),
	}
	var inside []string
	for _, glob := range []string{"*", "*/*"} {
		folders, _ := filepath.Glob(filepath.Join(dir, glob))
		for _, folder := range folders[:min(len(folders), maxFolders)] {
			name, _ := filepath.Rel(dir, folder)
			i := slices.IndexFunc(signs, func(s sign) bool { return s.fits(folder) })
			if i >= 0 && !strings.HasPrefix(name, ".") && !strings.Contains(name, "node_modules") && len(inside) < maxNamed {
				inside = append(inside, fmt.Sprintf("%s (%s)", name, signs[i].runner))
			}
		}
	}
	if len(inside) > 0 {
		e.Hint = "run it in a project's folder: " + strings.Join(inside, ", ")
	}
	return e
}

const (
	maxFolders = 200 // that are looked into
	maxNamed   = 5
)

func (s sign) fits(dir string) bool {
	found := 0
	for _, glob := range s.globs {
		files, _ := filepath.Glob(filepath.Join(dir, glob))
		for _, file := range files {
			text, err := os.ReadFile(file)
			switch {
			case err != nil: // what cannot be read shows nothing
			case s.lacks != nil && s.lacks.Match(text):
				return false
			case s.has == nil || s.has.Match(text):
				found++
			}
		}
	}
	return found > 0
}

// Names lists the runners there are.
func Names() (names []string) {
	for _, k := range kinds {
		names = append(names, k.Name)
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
