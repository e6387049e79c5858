package meaning

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// HTML reads a document as browsers do (WHATWG HTML, section 13.2), which never fails but on what is no text or
// goes too deep. The order of attributes and of classes, comments, and how much white space there is do not
// matter, but for pre, textarea, script and style.
func HTML(data []byte) (any, error) {
	s, err := text(data)
	if err != nil {
		return nil, err
	}
	doc, err := html.ParseWithOptions(strings.NewReader(s), html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, err
	}
	nodes := 0
	root, err := htmlElement(doc, false, 0, &nodes)
	if err != nil {
		return nil, err
	}
	return root.value(), nil
}

// verbatim are the elements in which white space counts.
var verbatim = []string{"pre", "textarea", "script", "style"}

func htmlElement(n *html.Node, raw bool, depth int, nodes *int) (*element, error) {
	if *nodes++; *nodes > maxNodes {
		return nil, errNodes
	}
	if depth > maxDepth {
		return nil, errDepth
	}
	e := &element{name: n.Data, raw: raw || slices.Contains(verbatim, n.Data)}
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
			e.add(child.Data)
		case html.ElementNode:
			c, err := htmlElement(child, e.raw, depth+1, nodes)
			if err != nil {
				return nil, err
			}
			e.children = append(e.children, c)
		}
	}
	return e, nil
}

// attributeValue is the text, or the set of classes.
func attributeValue(name, value string) any {
	if name != "class" {
		return value
	}
	classes := strings.Fields(value)
	slices.Sort(classes)
	return slices.Compact(classes)
}
