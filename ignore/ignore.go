// Package ignore reads files in the syntax of .gitignore. In come their texts, and names; out goes which names they
// leave out. Pure.
package ignore

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Rule is one line of an ignore file; of those that match a name, the last decides.
type Rule struct {
	dir    string // of the file; "" for the root
	glob   string // for the whole name below dir
	folder bool   // of folders only
	out    bool   // leaves out; else takes in again
}

// Parse reads the text of a file that lies in a folder, "" or "." for the root that names are relative to. A glob
// that cannot be read matches nothing.
func Parse(text, dir string) (rules []Rule) {
	if dir == "." {
		dir = ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		r := Rule{dir: dir, out: true}
		if rest, again := strings.CutPrefix(line, "!"); again {
			r.out, line = false, rest
		}
		line, r.folder = strings.CutSuffix(strings.TrimPrefix(line, `\`), "/")
		if anchored := strings.Contains(line, "/"); anchored {
			r.glob = strings.TrimPrefix(line, "/")
		} else {
			r.glob = "**/" + line
		}
		rules = append(rules, r)
	}
	return rules
}

// Out tells whether rules leave a slash-separated name out, not looking at the folders it is in.
func Out(rules []Rule, name string, folder bool) bool {
	for _, r := range slices.Backward(rules) {
		if r.matches(name, folder) {
			return r.out
		}
	}
	return false
}

func (r *Rule) matches(name string, folder bool) bool {
	if r.folder && !folder {
		return false
	}
	if r.dir != "" {
		below, inside := strings.CutPrefix(name, r.dir+"/")
		if !inside {
			return false
		}
		name = below
	}
	ok, _ := doublestar.Match(r.glob, name)
	return ok
}
