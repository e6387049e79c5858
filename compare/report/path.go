package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxPath bounds paths, in bytes.
const MaxPath = 512

// AppendName extends a path by a member: .name where RFC 9535 allows that shorthand and the name is of
// letters, digits and underscores; in the brackets of normalized paths otherwise.
func AppendName(path []byte, name string) []byte {
	if isIdentifier(name) {
		path = append(path, '.')
		return append(path, name...)
	}
	path = append(path, "['"...)
	for _, r := range name {
		i := strings.IndexRune("'\\\b\f\n\r\t", r)
		switch {
		case i >= 0:
			path = append(path, '\\', `'\bfnrt`[i])
		case r < ' ':
			path = fmt.Appendf(path, `\u%04x`, r)
		default:
			path = utf8.AppendRune(path, r)
		}
	}
	return append(path, "']"...)
}

func isIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || unicode.IsLetter(r)
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// AppendIndex extends a path by an index, or by the wildcard if it is negative.
func AppendIndex(path []byte, index int) []byte {
	if index < 0 {
		return append(path, "[*]"...)
	}
	path = append(path, '[')
	path = strconv.AppendInt(path, int64(index), 10)
	return append(path, ']')
}
