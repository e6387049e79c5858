package json

import (
	"math/bits"
	"strings"

	"github.com/assaylab/assay/compare/decimal"
	"github.com/assaylab/assay/compare/report"
)

// skim passes over what both texts have the same bytes for, reading one of them and making nothing of it. It
// stops before what may differ, what is not well-formed and what needs decoding: step goes on from there. It
// takes nothing that parse refuses.
func (l *lockstep) skim() {
	at := l.a.at
	if shift := l.b.at - at; at >= l.until || shift != l.shift {
		l.shift, l.until = shift, at+report.CommonPrefix(l.a.doc[at:], l.b.doc[l.b.at:])
	}
	doc := l.a.doc[:l.until]
	for ok := true; ok; {
		at = skimSpace(doc, at)
		switch {
		case at == len(doc):
			ok = false
		case l.state == atValue:
			at, ok = l.skimValue(doc, at)
		default:
			at, ok = l.skimNext(doc, at)
		}
	}
	l.a.at, l.b.at = at, at+l.shift
}

// skimValue passes over a scalar or the bracket that begins a container.
func (l *lockstep) skimValue(doc string, at int) (end int, ok bool) {
	switch c := doc[at]; c {
	case '{', '[':
		if len(l.open) == maxDepth {
			return at, false
		}
		l.push(at, c)
		return at + 1, true
	case '"':
		end, ok = skimString(doc, at+1)
	default:
		end, ok = skimLiteral(doc, at)
	}
	if !ok {
		return at, false
	}
	l.seen++
	l.state = afterItem
	return end, true
}

// skimNext passes over what comes before an item, with the name if it is a member, or over the bracket that
// ends a container.
func (l *lockstep) skimNext(doc string, at int) (end int, ok bool) {
	if len(l.open) == 0 {
		return at, false
	}
	c := &l.open[len(l.open)-1]
	if doc[at] == c.bracket+2 { // } or ]
		if c.alike && !unique(l.names[c.names:]) {
			return at, false
		}
		l.pop()
		return at + 1, true
	}
	end = at
	if l.state == afterItem {
		if doc[at] != ',' {
			return at, false
		}
		end = skimSpace(doc, at+1)
	}
	if c.bracket == '{' {
		name, after, ok := skimName(doc, end)
		if !ok {
			return at, false
		}
		l.named(c, name)
		end = after
	} else if l.state == afterItem {
		c.index++
	}
	l.state = atValue
	return end, true
}

// skimName passes over the name of a member, which has no escapes, and the colon.
func skimName(doc string, at int) (name string, end int, ok bool) {
	if at >= len(doc) || doc[at] != '"' {
		return "", at, false
	}
	quote := plainRun(doc, at+1)
	if quote >= len(doc) || doc[quote] != '"' {
		return "", at, false
	}
	end = skimSpace(doc, quote+1)
	if end >= len(doc) || doc[end] != ':' {
		return "", at, false
	}
	return doc[at+1 : quote], end + 1, true
}

func skimSpace(doc string, at int) int {
	for at < len(doc) && doc[at] <= ' ' && (doc[at] == ' ' || doc[at] == '\n' || doc[at] == '\t' || doc[at] == '\r') {
		at++
	}
	return at
}

// skimString passes over the rest of a string and its last quote.
func skimString(doc string, at int) (end int, ok bool) {
	for {
		at = plainRun(doc, at)
		switch {
		case at >= len(doc) || doc[at] < ' ':
			return at, false
		case doc[at] == '"':
			return at + 1, true
		}
		p := parser{doc: doc, at: at}
		if _, err := p.escape(); err != nil {
			return at, false
		}
		at = p.at
	}
}

// skimLiteral passes over a number or a word. A number must end before the document does: what is cut off at
// a limit may go on.
func skimLiteral(doc string, at int) (end int, ok bool) {
	switch doc[at] {
	case 'n':
		return at + 4, strings.HasPrefix(doc[at:], "null")
	case 't':
		return at + 4, strings.HasPrefix(doc[at:], "true")
	case 'f':
		return at + 5, strings.HasPrefix(doc[at:], "false")
	}
	end, wrong := decimal.Scan(doc, at)
	return end, wrong == "" && end < len(doc)
}

// plainRun is the place of the first quote, backslash or control character from a place on.
func plainRun(s string, at int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for at+8 <= len(s) {
		w := report.Load64(s, at)
		quotes, slashes := w^('"'*ones), w^('\\'*ones)
		// A byte is found where subtracting borrows; the lowest found is right.
		found := ((w - ' '*ones) &^ w) | ((quotes - ones) &^ quotes) | ((slashes - ones) &^ slashes)
		if found &= highs; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
		at += 8
	}
	for at < len(s) && s[at] != '"' && s[at] != '\\' && s[at] >= ' ' {
		at++
	}
	return at
}
