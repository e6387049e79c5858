package tree

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// builtin is never a part of a snapshot: version control, caches, and what tools leave behind.
var builtin = []string{
	".git", ".hg", ".svn", ".assay", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox",
	".venv", ".npm", ".idea", ".vscode", ".DS_Store", ".coverage", ".cache",
}

func never(base string) bool {
	return slices.Contains(builtin, base) || strings.HasSuffix(base, ".pyc") || strings.HasSuffix(base, "~")
}

// dependencies are taken although .gitignore usually names them: tests need them.
const dependencies = "node_modules"

// rule is one line of an ignore file; of those that match, the last decides.
type rule struct {
	glob   string // for the whole name, relative to the project
	folder bool   // of folders only
	out    bool   // leaves out; else takes in again
}

// readRules reads the ignore files of a folder of the project.
func readRules(at, dir string) (rules []rule) {
	for _, name := range []string{".gitignore", ".assayignore"} {
		text, err := os.ReadFile(filepath.Join(at, name))
		if err == nil {
			rules = append(rules, parse(string(text), dir)...)
		}
	}
	return rules
}

// parse reads the syntax of .gitignore. A glob that cannot be read matches nothing.
func parse(text, dir string) (rules []rule) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		r := rule{out: true}
		if rest, again := strings.CutPrefix(line, "!"); again {
			r.out, line = false, rest
		}
		line, r.folder = strings.CutSuffix(strings.TrimPrefix(line, `\`), "/")
		if strings.Contains(line, "/") {
			r.glob = path.Join(dir, strings.TrimPrefix(line, "/"))
		} else {
			r.glob = path.Join(dir, "**", line)
		}
		rules = append(rules, r)
	}
	return rules
}

// ignored tells whether rules leave a name out. The folders it is in have been looked at before.
func ignored(rules []rule, name string, folder bool) bool {
	if folder && path.Base(name) == dependencies {
		return false
	}
	for _, r := range slices.Backward(rules) {
		if r.folder && !folder {
			continue
		}
		if ok, _ := doublestar.Match(r.glob, name); ok {
			return r.out
		}
	}
	return false
}
