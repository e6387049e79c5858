package assay

import "strings"

// FoldPath replaces the array indexes of a path by [*]: "body:$.items[0].price" becomes
// "body:$.items[*].price". Brackets within quoted names are left alone.
func FoldPath(path string) string {
	if !strings.Contains(path, "[") {
		return path
	}
	var b strings.Builder
	for path != "" {
		if n := digits(path); n > 0 {
			b.WriteString("[*]")
			path = path[n:]
			continue
		}
		n := step(path)
		b.WriteString(path[:n])
		path = path[n:]
	}
	return b.String()
}

// digits returns the length of the index, "[12]", that path begins with, 0 if it does not.
func digits(path string) int {
	if path[0] != '[' {
		return 0
	}
	n := 1
	for n < len(path) && '0' <= path[n] && path[n] <= '9' {
		n++
	}
	if n == 1 || n == len(path) || path[n] != ']' {
		return 0
	}
	return n + 1
}

// step returns the length of what path begins with: a quoted name with its bracket, or one byte.
func step(path string) int {
	if !strings.HasPrefix(path, "['") && !strings.HasPrefix(path, `["`) {
		return 1
	}
	for i := 2; i < len(path); i++ {
		switch path[i] {
		case '\\':
			i++
		case path[1]:
			return i + 1
		}
	}
	return len(path)
}
