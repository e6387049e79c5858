package compare

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

const (
	maxListed = 100 // differences of one comparator that no rule excuses, and as many that one does
	maxShown  = 120 // bytes of a rendering
	maxPath   = 512 // bytes of a path
	ellipsis  = "…"
)

// report collects differences. Excused ones have room of their own, so that they never crowd out
// one that matters.
type report struct {
	list    []assay.Difference
	counted tally
	excused tally
}

// tally counts differences; last is the place in the list of the last one listed.
type tally struct{ seen, last int }

// add counts a difference and, while there is room, lists what describe makes of it.
func (r *report) add(ignored string, describe func() assay.Difference) {
	t := &r.counted
	if ignored != "" {
		t = &r.excused
	}
	t.seen++
	if t.seen > maxListed {
		return
	}
	d := describe()
	d.Ignored = ignored
	t.last = len(r.list)
	r.list = append(r.list, d)
}

// differences returns the list; where some had no room, the last one listed says how many.
func (r *report) differences() []assay.Difference {
	for _, t := range []tally{r.counted, r.excused} {
		if more := t.seen - maxListed; more > 0 {
			d := &r.list[t.last]
			d.Detail = strings.TrimPrefix(fmt.Sprintf("%s; and %d more differences", d.Detail, more), "; ")
		}
	}
	return r.list
}

// shorten renders a text for people: unprintable characters escaped, at most maxShown bytes.
func shorten(s string) string {
	if len(s) <= maxShown && isPrintable(s) {
		return s
	}
	return cut(printable(cut(s, maxShown)), maxShown)
}

// cut keeps the first runes of s that fit into limit bytes, with an ellipsis if it had to.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// excerpts shortens two texts so that the place where they begin to differ is seen in both.
func excerpts(a, b string) (string, string) {
	const before = 40
	start := commonPrefix(a, b) - before
	if start <= len(ellipsis) || len(a) <= maxShown && len(b) <= maxShown {
		return shorten(a), shorten(b)
	}
	for start > 0 && !utf8.RuneStart(a[start]) {
		start--
	}
	return shorten(ellipsis + a[start:]), shorten(ellipsis + b[start:])
}

// commonPrefix is the number of bytes at which two texts or bodies begin alike.
func commonPrefix[T string | []byte](a, b T) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func isPrintable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, isUnprintable) < 0
}

func isUnprintable(r rune) bool { return !unicode.IsPrint(r) }

func printable(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case isUnprintable(r):
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}
