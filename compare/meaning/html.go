package meaning

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// HTML reads a document as browsers do (WHATWG HTML, section 13.2), which never fails but on what is no text or
// goes too deep. The order of attributes and of classes, comments, and how much white space there is between
// words do not matter, but for pre, textarea, script and style. Whether there is any does: it stands before the
// word or picture that follows in the line.
func HTML(data []byte) (any, error) {
	s, err := text(data)
	if err != nil {
		return nil, err
	}
	doc, err := html.ParseWithOptions(strings.NewReader(s), html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, err
	}
	var r htmlReader
	root, err := r.element(doc, false, 0)
	if err != nil {
		return nil, err
	}
	return root.value(), nil
}

var (
	// verbatim are the elements in which white space counts.
	verbatim = []string{"pre", "textarea", "script", "style"}
	// blocks are those that begin a line, and end one, unless a style sheet says otherwise (section 15.3).
	blocks = strings.Fields(`address article aside blockquote body br caption center col colgroup dd details dialog
		dir div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html
		legend li main menu nav ol optgroup option p pre search section summary table tbody td tfoot th thead title tr ul`)
	// boxes stand in a line like a word.
	boxes = strings.Fields(`audio button canvas embed iframe img input math meter object progress select svg textarea video`)
)

// htmlReader makes elements of nodes, in the order of the document.
type htmlReader struct {
	nodes int
	words bool // there is something in the line
	space bool // and white space after it
}

func (r *htmlReader) element(n *html.Node, raw bool, depth int) (*element, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, errNodes
	}
	if depth > maxDepth {
		return nil, errDepth
	}
	e := &element{name: n.Data, verbatim: true}
	raw = raw || slices.Contains(verbatim, n.Data)
	for _, a := range n.Attr {
		name := a.Key
		if a.Namespace != "" {
			name = a.Namespace + ":" + name
		}
		e.attribute(name, attributeValue(name, a.Val))
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		switch child.Type {
		case html.TextNode:
			e.add(r.text(child.Data, raw))
		case html.DoctypeNode:
			e.attribute("doctype", doctype(child))
		case html.ElementNode:
			e.add(r.before(child.Data))
			c, err := r.element(child, raw, depth+1)
			if err != nil {
				return nil, err
			}
			r.after(child.Data)
			e.children = append(e.children, c)
		}
	}
	return e, nil
}

// text is a text with one space between words, and one before if it goes on in a line.
func (r *htmlReader) text(s string, raw bool) string {
	if raw || s == "" {
		return s
	}
	words := strings.Join(strings.FieldsFunc(s, isSpace), " ")
	if words == "" {
		r.space = true
		return ""
	}
	if r.words && (r.space || isSpace(rune(s[0]))) {
		words = " " + words
	}
	r.words, r.space = true, isSpace(rune(s[len(s)-1]))
	return words
}

// before is the space before an element. What is within a block or a box has lines of its own.
func (r *htmlReader) before(name string) (space string) {
	box := slices.Contains(boxes, name)
	if box && r.words && r.space {
		space = " "
	}
	if box || slices.Contains(blocks, name) {
		r.words, r.space = false, false
	}
	return space
}

func (r *htmlReader) after(name string) {
	if slices.Contains(boxes, name) {
		r.words, r.space = true, false
	} else if slices.Contains(blocks, name) {
		r.words, r.space = false, false
	}
}

func doctype(n *html.Node) string {
	text := n.Data
	for _, a := range n.Attr {
		text += " " + a.Key + " " + a.Val
	}
	return text
}

// attributeValue is the text, or the set of classes.
func attributeValue(name, value string) any {
	if name != "class" {
		return value
	}
	classes := strings.FieldsFunc(value, isSpace)
	slices.Sort(classes)
	return slices.Compact(classes)
}
