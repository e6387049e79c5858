package report

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

const (
	MaxShown = 120 // bytes of a rendering
	Ellipsis = "…" // where something is left out
)

// Joined puts two remarks together; either may be empty.
func Joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// Shorten renders a text for people: unprintable characters escaped, at most MaxShown bytes.
func Shorten(s string) string {
	if len(s) <= MaxShown && isPrintable(s) {
		return s
	}
	return Cut(printable(Cut(s, MaxShown)), MaxShown)
}

// Cut keeps the first runes of s that fit into limit bytes, with an ellipsis if it had to.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len(Ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + Ellipsis
}

// Excerpts shortens two texts so that the place where they begin to differ is seen in both.
func Excerpts(a, b string) (string, string) {
	const before = 40
	if len(a) <= MaxShown && len(b) <= MaxShown {
		return Shorten(a), Shorten(b)
	}
	start := CommonPrefix(a, b) - before
	if start <= len(Ellipsis) {
		return Shorten(a), Shorten(b)
	}
	for start > 0 && !utf8.RuneStart(a[start]) {
		start--
	}
	return Shorten(Ellipsis + a[start:]), Shorten(Ellipsis + b[start:])
}

// CommonPrefix is the number of bytes at which two texts or bodies begin alike.
func CommonPrefix[T string | []byte](a, b T) int {
	const block = 64
	n, i := min(len(a), len(b)), 0
	for i+block <= n && string(a[i:i+block]) == string(b[i:i+block]) {
		i += block
	}
	for ; i+8 <= n; i += 8 {
		if differing := Load64(a, i) ^ Load64(b, i); differing != 0 {
			return i + bits.TrailingZeros64(differing)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// Load64 is the eight bytes from a place on as one little-endian number.
func Load64[T string | []byte](s T, at int) uint64 {
	b := s[at : at+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
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

// Malformed is the difference of bodies of which at least one has an error.
func Malformed(control, other []byte, errControl, errOther error) []assay.Difference {
	var why []string
	if errControl != nil {
		why = append(why, "control: "+errControl.Error())
	}
	if errOther != nil {
		why = append(why, "candidate: "+errOther.Error())
	}
	return []assay.Difference{{
		Path: "body", Kind: assay.KindMalformed,
		Control: ShowBody(control), Candidate: ShowBody(other), Detail: strings.Join(why, "; "),
	}}
}

// ShowBody renders how a body begins: as text, or in hexadecimal when it does not look like text.
func ShowBody(body []byte) string {
	start := body[:min(len(body), 2*MaxShown)]
	if bytes.IndexByte(start, 0) >= 0 {
		return fmt.Sprintf("%d bytes: %s", len(body), ShowBytes(body))
	}
	return Shorten(string(start))
}

// ShowBytes renders the first bytes in hexadecimal, "" at the end of a body.
func ShowBytes(b []byte) string {
	const most = 16
	if len(b) > most {
		return fmt.Sprintf("% x%s", b[:most], Ellipsis)
	}
	return fmt.Sprintf("% x", b)
}
