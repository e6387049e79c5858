package meaning

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// XML reads a document: an object with the root's name. Prefixes, the order of attributes, comments, processing
// instructions, CDATA or text, and white space around texts (unless xml:space preserves it) do not matter.
// Namespaces do: an element whose namespace is not its parent's has it as "@xmlns". What defines entities or
// attributes is refused, so nothing is ever fetched or expanded.
func XML(data []byte) (any, error) {
	s, err := text(data)
	if err != nil {
		return nil, err
	}
	r := xmlReader{source: s, dec: xml.NewDecoder(strings.NewReader(s)), spaces: map[string][]string{
		"": {""}, "xml": {"http://www.w3.org/XML/1998/namespace"},
	}}
	root, err := r.root()
	if err != nil {
		return nil, err
	}
	return map[string]any{root.name: []any{root.value()}}, nil
}

// xmlReader reads tokens as they are written: encoding/xml takes a prefix that stands for nothing for a
// namespace, and half a surrogate pair for another character.
type xmlReader struct {
	source string
	dec    *xml.Decoder
	spaces map[string][]string // prefixes and what they stand for, the innermost last
	nodes  int
	names  int // bytes of attributes' names
}

// token is the next token, and how it is written.
func (r *xmlReader) token() (xml.Token, string, error) {
	from := r.dec.InputOffset()
	token, err := r.dec.RawToken()
	if err != nil {
		return nil, "", err
	}
	raw := r.source[from:r.dec.InputOffset()]
	switch token.(type) {
	case xml.StartElement, xml.CharData:
		if !strings.HasPrefix(raw, "<![CDATA[") && hasHalfPair(raw) {
			return nil, "", errors.New("it names half a surrogate pair")
		}
	}
	return token, raw, nil
}

// reference is a character by its number.
var reference = regexp.MustCompile(`&#(x[0-9a-fA-F]+|[0-9]+);`)

func hasHalfPair(raw string) bool {
	if !strings.Contains(raw, "&#") {
		return false
	}
	for _, match := range reference.FindAllStringSubmatch(raw, -1) {
		if n := referred(match[1]); n >= 0xd800 && n < 0xe000 {
			return true
		}
	}
	return false
}

// referred is the number of a reference; what is none was refused before.
func referred(digits string) uint64 {
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, _ := strconv.ParseUint(digits, base, 32)
	return n
}

// root reads the only element at the top.
func (r *xmlReader) root() (*element, error) {
	var root *element
	for {
		token, raw, err := r.token()
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
			if root, err = r.element(t, raw, scope{}); err != nil {
				return nil, err
			}
		case xml.EndElement:
			return nil, fmt.Errorf("%s ends and never began", t.Name.Local)
		case xml.CharData:
			if strings.TrimFunc(raw, isSpace) != "" {
				return nil, errors.New("there is text outside of the root")
			}
		case xml.Directive:
			if root != nil {
				return nil, errors.New("it is defined behind its root")
			}
			if strings.Contains(string(t), "ENTITY") || strings.Contains(string(t), "ATTLIST") {
				return nil, errors.New("it defines entities or attributes")
			}
		}
	}
}

// scope is what holds within an element, of what is around it.
type scope struct {
	space    string // the namespace
	verbatim bool
	depth    int
}

func (r *xmlReader) element(start xml.StartElement, raw string, around scope) (*element, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, errNodes
	}
	if around.depth > maxDepth {
		return nil, errDepth
	}
	declared, err := r.declare(start.Attr)
	if err != nil {
		return nil, err
	}
	defer r.forget(declared)
	space, err := r.space(start.Name.Space)
	if err != nil {
		return nil, err
	}
	e := &element{name: start.Name.Local, verbatim: around.verbatim}
	if space != around.space {
		e.attribute("xmlns", space)
	}
	if err := r.attributes(e, start.Attr, raw); err != nil {
		return nil, err
	}
	return e, r.children(e, start.Name, scope{space, e.verbatim, around.depth + 1})
}

// children reads up to the element's end.
func (r *xmlReader) children(e *element, name xml.Name, within scope) error {
	for {
		token, raw, err := r.token()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s does not end", e.name)
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			child, err := r.element(t, raw, within)
			if err != nil {
				return err
			}
			e.children = append(e.children, child)
		case xml.CharData:
			e.add(string(t))
		case xml.Directive:
			return errors.New("it is defined within its root")
		case xml.EndElement:
			if t.Name != name {
				return fmt.Errorf("%s ends where %s should", t.Name.Local, e.name)
			}
			return nil
		}
	}
}

// declare takes in the namespaces that attributes declare, and lists their prefixes.
func (r *xmlReader) declare(attributes []xml.Attr) (declared []string, err error) {
	seen := map[string]bool{}
	for _, a := range attributes {
		prefix, is := declaration(a)
		if !is {
			continue
		}
		if seen[prefix] {
			return nil, fmt.Errorf("the prefix %q is declared twice", prefix)
		}
		if prefix != "" && a.Value == "" {
			return nil, fmt.Errorf("the prefix %q stands for nothing", prefix)
		}
		seen[prefix] = true
		declared = append(declared, prefix)
		r.spaces[prefix] = append(r.spaces[prefix], a.Value)
	}
	return declared, nil
}

// declaration is the prefix that an attribute declares, "" for none.
func declaration(a xml.Attr) (prefix string, is bool) {
	if a.Name.Space == "xmlns" {
		return a.Name.Local, true
	}
	return "", a.Name.Space == "" && a.Name.Local == "xmlns"
}

func (r *xmlReader) forget(prefixes []string) {
	for _, prefix := range prefixes {
		r.spaces[prefix] = r.spaces[prefix][:len(r.spaces[prefix])-1]
	}
}

// space is the namespace that a prefix stands for.
func (r *xmlReader) space(prefix string) (string, error) {
	known := r.spaces[prefix]
	if len(known) == 0 {
		return "", fmt.Errorf("the prefix %q is not declared", prefix)
	}
	return known[len(known)-1], nil
}

// attributes reads those that declare no namespace. Their white space is spaces, unless it is written as a
// reference (XML 1.0, section 3.3.3).
func (r *xmlReader) attributes(e *element, attributes []xml.Attr, raw string) error {
	literal := !strings.Contains(raw, "&#")
	for _, a := range attributes {
		if _, is := declaration(a); is {
			continue
		}
		name, err := r.name(a.Name)
		if err != nil {
			return err
		}
		if _, twice := e.attributes["@"+name]; twice {
			return fmt.Errorf("the attribute %s of %s stands twice", name, e.name)
		}
		if literal {
			a.Value = spaced.Replace(a.Value)
		}
		if a.Name.Space == "xml" && a.Name.Local == "space" {
			e.verbatim = a.Value == "preserve"
		}
		e.attribute(name, a.Value)
	}
	return nil
}

var spaced = strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ", "\r", " ")

// name is an attribute's name, its namespace before it.
func (r *xmlReader) name(n xml.Name) (string, error) {
	if n.Space == "" {
		return n.Local, nil
	}
	space, err := r.space(n.Space)
	if err != nil {
		return "", err
	}
	if r.names += len(space) + len(n.Local); r.names > maxWritten {
		return "", errSize
	}
	return "{" + space + "}" + n.Local, nil
}
