package meaning

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// XML reads a document: an object with the root's name. Prefixes, the order of attributes, comments, processing
// instructions, CDATA or text, and white space around texts do not matter. Namespaces do: an element whose
// namespace is not its parent's has it as "@xmlns". Entities other than XML's own five are refused, so none is
// ever fetched or expanded.
func XML(data []byte) (any, error) {
	s, err := text(data)
	if err != nil {
		return nil, err
	}
	r := xmlReader{dec: xml.NewDecoder(strings.NewReader(s))}
	root, err := r.root()
	if err != nil {
		return nil, err
	}
	return map[string]any{root.name: []any{root.value()}}, nil
}

type xmlReader struct {
	dec   *xml.Decoder
	nodes int
}

// root reads the only element at the top.
func (r *xmlReader) root() (*element, error) {
	var root *element
	for {
		token, err := r.dec.Token()
		switch {
		case errors.Is(err, io.EOF) && root == nil:
			return nil, errEmpty
		case errors.Is(err, io.EOF):
			return root, nil
		case err != nil:
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if root != nil {
				return nil, errors.New("it has two roots")
			}
			if root, err = r.element(t, "", 0); err != nil {
				return nil, err
			}
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return nil, errors.New("there is text outside of the root")
			}
		case xml.Directive:
			if strings.Contains(string(t), "ENTITY") {
				return nil, errors.New("it defines entities")
			}
		}
	}
}

func (r *xmlReader) element(start xml.StartElement, space string, depth int) (*element, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, errNodes
	}
	if depth > maxDepth {
		return nil, errDepth
	}
	e := &element{name: start.Name.Local, raw: true}
	if start.Name.Space != space {
		e.attribute("xmlns", start.Name.Space)
	}
	if err := e.take(start.Attr); err != nil {
		return nil, err
	}
	for {
		token, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			child, err := r.element(t, start.Name.Space, depth+1)
			if err != nil {
				return nil, err
			}
			e.children = append(e.children, child)
		case xml.CharData:
			e.add(string(t))
		case xml.EndElement:
			return e, nil
		}
	}
}

// take takes the attributes in, apart from the declarations of namespaces.
func (e *element) take(attributes []xml.Attr) error {
	for _, a := range attributes {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		name := a.Name.Local
		if a.Name.Space != "" {
			name = "{" + a.Name.Space + "}" + name
		}
		if _, twice := e.attributes["@"+name]; twice {
			return fmt.Errorf("the attribute %s of %s stands twice", name, e.name)
		}
		e.attribute(name, a.Value)
	}
	return nil
}
