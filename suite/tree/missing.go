package tree

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// absences are how Python, Node.js, Go and the shell say that a file or module is not there.
var absences = []*regexp.Regexp{
	regexp.MustCompile(`No such file or directory: '([^'\n]+)'`),
	regexp.MustCompile(`ENOENT: no such file or directory, \w+ '([^'\n]+)'`),
	regexp.MustCompile(`(?:open|stat|lstat|readlink|chdir|fork/exec) ([^:\n]+): no such file or directory`),
	regexp.MustCompile(`Cannot find (?:module|package) ['"]([^'"\n]+)['"]`),
	regexp.MustCompile(`([^\s:'"]+): No such file or directory`),
	regexp.MustCompile(`can't open '?([^'\n]+)'?: No such file`),
}

// modules are how Python says that a module is not there.
var modules = regexp.MustCompile(`No module named '?([\w.]+)'?|cannot import name '(\w+)' from '([\w.]+)'`)

// Missing names the files and folders that a snapshot leaves out and that a text says are not there.
func (s *Snapshot) Missing(text string) (names []string) {
	for _, absent := range absent(text) {
		for _, left := range s.LeftOut {
			if about(absent, left) && !slices.Contains(names, left) {
				names = append(names, left)
			}
		}
	}
	return names
}

// absent are the paths that a text says are not there.
func absent(text string) (paths []string) {
	for _, re := range absences {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			paths = append(paths, m[1])
		}
	}
	for _, m := range modules.FindAllStringSubmatch(text, -1) {
		name := m[1]
		if name == "" {
			name = m[3] + "." + m[2]
		}
		paths = append(paths, strings.ReplaceAll(name, ".", "/"))
	}
	return paths
}

// about tells whether a path is of a file, or in a folder, that is left out. What the path is relative to
// is not known.
func about(absent, left string) bool {
	absent = path.Clean(strings.ReplaceAll(absent, `\`, "/"))
	for strings.HasPrefix(absent, "../") {
		absent = absent[len("../"):]
	}
	bare := strings.TrimSuffix(left, path.Ext(left))
	for _, form := range []string{left, bare, strings.TrimSuffix(bare, "/index"), strings.TrimSuffix(bare, "/__init__")} {
		if absent == form || strings.HasSuffix(absent, "/"+form) || strings.HasSuffix(form, "/"+absent) {
			return true
		}
	}
	return strings.Contains("/"+absent+"/", "/"+left+"/")
}
