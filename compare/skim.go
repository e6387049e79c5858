package compare

import "math/bits"

// skimmer passes over values of a text without decoding them. It takes nothing that parse refuses.
type skimmer struct {
	names []string // of the members seen in the objects that are open
	open  []opened
	count int // values passed over
}

// opened is a container that has begun and not ended yet.
type opened struct {
	start int
	names int // where its names begin; -1 of an array
}

// value passes over the value at a place of a document, which is not space. It gives up on what is not
// well-formed, is too deep, has names with escapes, or goes beyond the limit; open then says in which
// containers that was.
func (s *skimmer) value(doc string, at, limit, depth int) (end int, ok bool) {
	s.names, s.open, s.count = s.names[:0], s.open[:0], 0
	doc = doc[:limit]
	for {
		if at, ok = s.begin(doc, at, depth); !ok {
			return at, false
		}
		// A value has ended, or a container has begun that has items: then begin has gone to the first.
		for {
			if len(s.open) == 0 {
				return at, true
			}
			var more bool
			if at, more, ok = s.after(doc, at); !ok {
				return at, false
			}
			if more {
				break
			}
		}
	}
}

// begin passes over a scalar, an empty container, or the beginning of a container up to its first scalar.
func (s *skimmer) begin(doc string, at, depth int) (int, bool) {
	for at < len(doc) {
		s.count++
		switch c := doc[at]; {
		case c == '"':
			return skimString(doc, at)
		case c == '{' || c == '[':
			if depth+len(s.open) >= maxDepth {
				return at, false
			}
			o := opened{start: at, names: -1}
			if c == '{' {
				o.names = len(s.names)
			}
			s.open = append(s.open, o)
			at = skimSpace(doc, at+1)
			if at < len(doc) && doc[at] == c+2 { // } or ]
				s.open = s.open[:len(s.open)-1]
				return at + 1, true
			}
			if c == '{' {
				var ok bool
				if at, ok = s.name(doc, at); !ok {
					return at, false
				}
			}
		default:
			return skimLiteral(doc, at)
		}
	}
	return at, false
}

// after goes on after an item: to the next one of the innermost container, or past its end.
func (s *skimmer) after(doc string, at int) (next int, more, ok bool) {
	at = skimSpace(doc, at)
	if at >= len(doc) {
		return at, false, false
	}
	o := s.open[len(s.open)-1]
	object := o.names >= 0
	switch c := doc[at]; {
	case c == ',' && object:
		at, ok = s.name(doc, skimSpace(doc, at+1))
		return at, true, ok
	case c == ',':
		return skimSpace(doc, at+1), true, true
	case c == '}' && object:
		if !unique(s.names[o.names:]) {
			return at, false, false
		}
		s.names = s.names[:o.names]
	case c != ']' || object:
		return at, false, false
	}
	s.open = s.open[:len(s.open)-1]
	return at + 1, false, true
}

// name passes over the name of a member and the colon.
func (s *skimmer) name(doc string, at int) (int, bool) {
	if at >= len(doc) || doc[at] != '"' {
		return at, false
	}
	end := plainRun(doc, at+1)
	if end >= len(doc) || doc[end] != '"' {
		return at, false
	}
	s.names = append(s.names, doc[at+1:end])
	if end = skimSpace(doc, end+1); end >= len(doc) || doc[end] != ':' {
		return at, false
	}
	return skimSpace(doc, end+1), true
}

func skimSpace(doc string, at int) int {
	for at < len(doc) && doc[at] <= ' ' && (doc[at] == ' ' || doc[at] == '\n' || doc[at] == '\t' || doc[at] == '\r') {
		at++
	}
	return at
}

// skimString passes over a string; one with escapes is read by the parser.
func skimString(doc string, at int) (int, bool) {
	end := plainRun(doc, at+1)
	if end < len(doc) && doc[end] == '"' {
		return end + 1, true
	}
	if end >= len(doc) || doc[end] != '\\' {
		return at, false
	}
	p := parser{doc: doc, at: at}
	_, err := p.string()
	return p.at, err == nil
}

// skimLiteral passes over a number or a word. It must end before the document does: what is cut off at a
// limit may go on.
func skimLiteral(doc string, at int) (int, bool) {
	start := at
	for at < len(doc) && !endsLiteral(doc[at]) {
		at++
	}
	if at == len(doc) {
		return at, false
	}
	switch literal := doc[start:at]; literal {
	case "null", "true", "false":
		return at, true
	default:
		return at, isNumber(literal)
	}
}

// isNumber tells whether the parser takes a literal for a number. One with an exponent it reads itself.
func isNumber(s string) bool {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := i
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	if i == whole || s[whole] == '0' && i > whole+1 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		fraction := i + 1
		for i++; i < len(s) && isDigit(s[i]); i++ {
		}
		if i == fraction {
			return false
		}
	}
	if i == len(s) {
		return true
	}
	p := parser{doc: s}
	_, err := p.number()
	return err == nil && p.at == len(s)
}

// endsLiteral tells what may follow a number or a word.
func endsLiteral(c byte) bool { return c == ',' || c == '}' || c == ']' || c <= ' ' }

// plainRun is the place of the first quote, backslash or control character from a place on.
func plainRun(s string, at int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for at+8 <= len(s) {
		w := load64(s, at)
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

// load64 is eight bytes as one little-endian number.
func load64[T string | []byte](s T, at int) uint64 {
	b := s[at : at+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}
