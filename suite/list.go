package suite

import "strings"

// Entry is a line of a list of tests: a pattern, and why it is there.
type Entry struct {
	Pattern string
	Why     string
}

// List names tests, for --alone and --quarantine.
type List []Entry

// ParseList reads a list: a pattern a line. What follows " # " says why; lines that begin with # say
// nothing of a test.
func ParseList(text string) (l List) {
	for line := range strings.Lines(text) {
		pattern, why, _ := strings.Cut(strings.TrimSpace(line), " # ")
		if pattern = strings.TrimSpace(pattern); pattern != "" && pattern[0] != '#' {
			l = append(l, Entry{pattern, strings.TrimSpace(why)})
		}
	}
	return l
}

// Find returns the index of the first entry that names a test; -1 for none.
func (l List) Find(id string) int {
	for i, e := range l {
		if e.Names(id) {
			return i
		}
	}
	return -1
}

// Names tells whether a test is meant: by its id, by what the id begins with (a folder, a file, a class, a
// test without its parameters), or by a pattern in which * stands for any text.
func (e Entry) Names(id string) bool {
	first, rest, starred := strings.Cut(e.Pattern, "*")
	tail, begins := strings.CutPrefix(id, first)
	if !begins {
		return false
	}
	if !starred {
		return tail == "" || strings.HasSuffix(first, "/") || strings.ContainsAny(tail[:1], ":[/.#")
	}
	for parts := strings.Split(rest, "*"); ; parts = parts[1:] {
		if len(parts) == 1 {
			return strings.HasSuffix(tail, parts[0])
		}
		_, after, found := strings.Cut(tail, parts[0])
		if !found {
			return false
		}
		tail = after
	}
}
