package reduce

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// node is a JSON value, with members in their order and numbers as they were written.
type node struct {
	open   byte   // '{', '[', or 0 of a scalar
	name   string // of a member of an object
	scalar string // its JSON
	below  []*node
}

// maxDepth is how deep a document may be.
const maxDepth = 500

var errDocument = errors.New("not a JSON document that can be reduced")

func parse(doc []byte) (*node, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	n, err := value(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errDocument
	}
	return n, nil
}

func value(dec *json.Decoder, depth int) (*node, error) {
	tok, err := dec.Token()
	if err != nil || depth > maxDepth {
		return nil, errors.Join(errDocument, err)
	}
	open, nested := tok.(json.Delim)
	if !nested {
		text, err := json.Marshal(tok)
		return &node{scalar: string(text)}, err
	}
	n := &node{open: byte(open)}
	for dec.More() {
		name := ""
		if n.open == '{' {
			if tok, err = dec.Token(); err != nil {
				return nil, err
			}
			name, _ = tok.(string)
		}
		below, err := value(dec, depth+1)
		if err != nil {
			return nil, err
		}
		below.name = name
		n.below = append(n.below, below)
	}
	_, err = dec.Token() // the closing one
	return n, err
}

// append writes the value.
func (n *node) append(dst []byte) []byte {
	if n.open == 0 {
		return append(dst, n.scalar...)
	}
	dst = append(dst, n.open)
	for i, b := range n.below {
		if i > 0 {
			dst = append(dst, ',')
		}
		if n.open == '{' {
			name, _ := json.Marshal(b.name) // a string: always
			dst = append(append(dst, name...), ':')
		}
		dst = b.append(dst)
	}
	return append(dst, n.open+2) // '}' and ']' are two after '{' and '['
}

// reduce leaves out what it can of a value and below it; try tells whether the document still passes as
// the nodes are then.
func (n *node) reduce(try func() bool) {
	if n.open == 0 {
		n.shorten(try)
		return
	}
	n.below = subset(n.below, func(some []*node) bool {
		all := n.below
		n.below = some
		passed := try()
		n.below = all
		return passed
	})
	for _, b := range n.below {
		b.reduce(try)
	}
}

// shorten makes a string or number shorter.
func (n *node) shorten(try func() bool) {
	put := func(scalar string) bool {
		old := n.scalar
		n.scalar = scalar
		if try() {
			return true
		}
		n.scalar = old
		return false
	}
	var text string
	switch {
	case json.Unmarshal([]byte(n.scalar), &text) == nil && n.scalar != "null":
		shorten(text, func(shorter string) bool {
			scalar, _ := json.Marshal(shorter) // a string: always
			return put(string(scalar))
		})
	case numeral.MatchString(n.scalar):
		shortenNumber(n.scalar, put)
	}
}
