package compare

import (
	"fmt"
	"math/bits"
	"slices"
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

// report collects differences in the order of their paths. Excused ones have room of their own, so that
// they never crowd out one that matters.
type report struct {
	list []assay.Difference
	seen tally // all there were
	held tally // those listed since the last begin
}

// tally counts differences that no rule excuses, and those that one does.
type tally [2]int

// class is where a tally counts a difference.
func class(ignored string) int {
	if ignored == "" {
		return 0
	}
	return 1
}

// add counts a difference and, while there is room, lists what describe makes of it.
func (r *report) add(ignored string, describe func() assay.Difference) {
	if r.room(ignored) {
		d := describe()
		d.Ignored = ignored
		r.put(d)
	}
}

// room counts a difference, and tells whether there is room to put it into the list.
func (r *report) room(ignored string) bool {
	c := class(ignored)
	r.seen[c]++
	return r.held[c] < maxListed
}

func (r *report) put(d assay.Difference) {
	r.held[class(d.Ignored)]++
	if len(r.list) == cap(r.list) {
		r.list = slices.Grow(r.list, 4+3*len(r.list))
	}
	r.list = append(r.list, d)
}

// begin opens a part of which it is not known yet whether it comes before what is listed; so it has room
// of its own, unless all that has come for certain has left none. It returns what end takes.
func (r *report) begin() tally {
	before := r.held
	for c := range r.held {
		if r.held[c] < maxListed {
			r.held[c] = 0
		}
	}
	return before
}

// end closes the parts that begin at a place of the list, in their order by now, and strikes out what
// there is no room for.
func (r *report) end(start int, before tally) {
	r.held = before
	kept := start
	for i := start; i < len(r.list); i++ {
		c := class(r.list[i].Ignored)
		if r.held[c] == maxListed {
			continue
		}
		r.held[c]++
		if kept < i {
			r.list[kept] = r.list[i]
		}
		kept++
	}
	clear(r.list[kept:])
	r.list = r.list[:kept]
}

// differences returns the list; where some had no room, the last one listed says how many.
func (r *report) differences() []assay.Difference {
	for c, seen := range r.seen {
		more := seen - maxListed
		for i := len(r.list) - 1; i >= 0 && more > 0; i-- {
			if d := &r.list[i]; class(d.Ignored) == c {
				d.Detail = joined(d.Detail, fmt.Sprintf("and %d more differences", more))
				break
			}
		}
	}
	return r.list
}

// joined puts two remarks together; either may be empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
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
	if len(a) <= maxShown && len(b) <= maxShown {
		return shorten(a), shorten(b)
	}
	start := commonPrefix(a, b) - before
	if start <= len(ellipsis) {
		return shorten(a), shorten(b)
	}
	for start > 0 && !utf8.RuneStart(a[start]) {
		start--
	}
	return shorten(ellipsis + a[start:]), shorten(ellipsis + b[start:])
}

// commonPrefix is the number of bytes at which two texts or bodies begin alike.
func commonPrefix[T string | []byte](a, b T) int {
	const block = 64
	n, i := min(len(a), len(b)), 0
	for i+block <= n && string(a[i:i+block]) == string(b[i:i+block]) {
		i += block
	}
	for ; i+8 <= n; i += 8 {
		if differing := load64(a, i) ^ load64(b, i); differing != 0 {
			return i + bits.TrailingZeros64(differing)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

func isPrintable(s string) bool {
	ascii := 0
	for ascii < len(s) && ' ' <= s[ascii] && s[ascii] < unicode.MaxASCII {
		ascii++
	}
	s = s[ascii:]
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
