package pack

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
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

// rule is one line of an ignore file or one pattern; of those that match, the last decides.
type rule struct {
	glob   string // for the whole name, relative to the folder
	folder bool   // of folders only
	out    bool   // leaves out; else takes in again
}

// parseIgnore reads the syntax of .gitignore. A glob that cannot be read matches nothing.
func parseIgnore(text string) []rule {
	var rules []rule
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		r := rule{out: true}
		if rest, again := strings.CutPrefix(line, "!"); again {
			r.out, line = false, rest
		}
		line = strings.TrimPrefix(line, `\`)
		line, r.folder = strings.CutSuffix(line, "/")
		if anchored := strings.Contains(line, "/"); anchored {
			r.glob = strings.TrimPrefix(line, "/")
		} else {
			r.glob = "**/" + line
		}
		rules = append(rules, r)
	}
	return rules
}

func readIgnore(folder string) ([]rule, error) {
	text, err := os.ReadFile(filepath.Join(folder, ignoreFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return parseIgnore(string(text)), err
}

// leavesOut tells whether the rules leave a name out, not looking at the folders it is in.
func leavesOut(rules []rule, name string, folder bool) bool {
	for i := len(rules) - 1; i >= 0; i-- {
		r := rules[i]
		if r.folder && !folder {
			continue
		}
		if ok, _ := doublestar.Match(r.glob, name); ok {
			return r.out
		}
	}
	return false
}

// without leaves out what rules say, folders with all that is in them.
func without(files []entry, rules []rule) []entry {
	var kept []entry
	for _, e := range files {
		out := leavesOut(rules, e.name, e.mode.IsDir())
		for dir := path.Dir(e.name); dir != "." && !out; dir = path.Dir(dir) {
			out = leavesOut(rules, dir, true)
		}
		if !out {
			kept = append(kept, e)
		}
	}
	return kept
}

// chosen applies patterns as the Serverless Framework does: everything is in, "!glob" leaves out, "glob"
// takes in again, the last that matches decides. A pattern that names a folder means all in it.
func chosen(files []entry, patterns []string) []entry {
	var rules []rule
	for _, p := range patterns {
		glob, out := strings.CutPrefix(p, "!")
		rules = append(rules, rule{glob: path.Clean(strings.TrimPrefix(glob, "./")), out: out})
	}
	if len(rules) == 0 {
		return files
	}
	var kept []entry
	for _, e := range files {
		if !decide(rules, e.name) {
			kept = append(kept, e)
		}
	}
	return kept
}

// decide tells whether the last rule that matches a name, or a folder it is in, leaves it out.
func decide(rules []rule, name string) bool {
	for i := len(rules) - 1; i >= 0; i-- {
		for n := name; n != "."; n = path.Dir(n) {
			if ok, _ := doublestar.Match(rules[i].glob, n); ok {
				return rules[i].out
			}
		}
	}
	return false
}
