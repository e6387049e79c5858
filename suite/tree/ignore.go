package tree

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaylab/assay/ignore"
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

// readRules reads the ignore files of a folder of the project.
func readRules(at, dir string) (rules []ignore.Rule) {
	for _, name := range []string{".gitignore", ".assayignore"} {
		text, err := os.ReadFile(filepath.Join(at, name))
		if err == nil {
			rules = append(rules, ignore.Parse(string(text), dir)...)
		}
	}
	return rules
}

// ignored tells whether rules leave a name out. The folders it is in have been looked at before.
func ignored(rules []ignore.Rule, name string, folder bool) bool {
	if path.Base(name) == dependencies { // a folder, or a link to one
		return false
	}
	return ignore.Out(rules, name, folder)
}
