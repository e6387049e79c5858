package pack

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/assaylab/assay/ignore"
)

// ignoreFile lists what of its folder is no part of the package, in the syntax of .gitignore.
const ignoreFile = ".assayignore"

// builtin is left out of every folder unless its .assayignore takes it in again: version control, caches,
// what tools of deployment write, and the traces of editors and running programs.
const builtin = `
.git
.hg
.svn
.assay
.assayignore
.serverless
.aws-sam
.terraform
__pycache__
*.py[co]
.pytest_cache
.mypy_cache
.ruff_cache
.tox
.venv
.npm
.DS_Store
.idea
.vscode
.#*
*~
*.sw[op]
*.log
`

func readIgnore(folder string) ([]ignore.Rule, error) {
	text, err := os.ReadFile(filepath.Join(folder, ignoreFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return ignore.Parse(string(text), ""), err
}

// without leaves out what rules say, folders with all that is in them.
func without(files []entry, rules []ignore.Rule) []entry {
	var kept []entry
	for _, e := range files {
		out := ignore.Out(rules, e.name, e.mode.IsDir())
		for dir := path.Dir(e.name); dir != "." && !out; dir = path.Dir(dir) {
			out = ignore.Out(rules, dir, true)
		}
		if !out {
			kept = append(kept, e)
		}
	}
	return kept
}

// pattern chooses names; of those that match, the last decides.
type pattern struct {
	glob string
	out  bool // leaves out; else takes in again
}

// chosen applies patterns as the Serverless Framework does: everything is in, "!glob" leaves out, "glob"
// takes in again, the last that matches decides. A pattern that names a folder means all in it.
func chosen(files []entry, patterns []string) []entry {
	var all []pattern
	for _, p := range patterns {
		glob, out := strings.CutPrefix(p, "!")
		all = append(all, pattern{glob: path.Clean(strings.TrimPrefix(glob, "./")), out: out})
	}
	if len(all) == 0 {
		return files
	}
	var kept []entry
	for _, e := range files {
		if !decide(all, e.name) {
			kept = append(kept, e)
		}
	}
	return kept
}

// decide tells whether the last pattern that matches a name, or a folder it is in, leaves it out.
func decide(all []pattern, name string) bool {
	for _, p := range slices.Backward(all) {
		for n := name; n != "."; n = path.Dir(n) {
			if ok, _ := doublestar.Match(p.glob, n); ok {
				return p.out
			}
		}
	}
	return false
}
