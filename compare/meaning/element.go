package meaning

import "strings"

// element is a node of markup. As a value it is an object: attributes are members that begin with "@", children
// arrays under their names, text "#text"; "#order" is the sequence of the children where they have more than one
// name or text stands among them. An element of nothing but text is a string.
type element struct {
	name       string
	attributes map[string]any
	children   []any // *element, or string
	verbatim   bool  // white space at the ends of its texts counts
}

func (e *element) attribute(name string, value any) {
	if e.attributes == nil {
		e.attributes = map[string]any{}
	}
	e.attributes["@"+name] = value
}

// add puts text behind the children, or joins it to text that is last.
func (e *element) add(text string) {
	if text == "" {
		return
	}
	if n := len(e.children); n > 0 {
		if last, ok := e.children[n-1].(string); ok {
			e.children[n-1] = last + text
			return
		}
	}
	e.children = append(e.children, text)
}

// value is the element as JSON has it.
func (e *element) value() any {
	var order []any
	names := map[string]bool{}
	members := map[string]any{}
	var texts []any
	for _, child := range e.children {
		switch child := child.(type) {
		case string:
			if s := e.text(child); s != "" {
				texts, order = append(texts, s), append(order, "#text")
				names["#text"] = true
			}
		case *element:
			list, _ := members[child.name].([]any)
			members[child.name] = append(list, child.value())
			order = append(order, child.name)
			names[child.name] = true
		}
	}
	if len(e.attributes) == 0 && len(members) == 0 && len(texts) <= 1 {
		if len(texts) == 0 {
			return ""
		}
		return texts[0]
	}
	for name, value := range e.attributes {
		members[name] = value
	}
	switch {
	case len(texts) == 1:
		members["#text"] = texts[0]
	case len(texts) > 1:
		members["#text"] = texts
	}
	if len(names) > 1 {
		members["#order"] = order
	}
	return members
}

// text is a text without what white space means nothing in it.
func (e *element) text(s string) string {
	if e.verbatim {
		return s
	}
	return strings.TrimFunc(s, isSpace)
}

// isSpace tells white space as markup has it. A no-break space is none.
func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' }
