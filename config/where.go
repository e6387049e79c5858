package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// root is one YAML document of a file.
type root struct {
	file string
	node *yaml.Node
}

func where(file string, n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", file, n.Line, n.Column)
}

// Where says where a path stands, as file:line:column; each step is a key or an index in decimal. Of
// what the files do not have it names the place that it would stand in; "" if it is nowhere.
func (d Document) Where(path ...string) string {
	file, depth, at := "", 0, (*yaml.Node)(nil)
	for _, r := range d.roots {
		key, value, n := find(r.node, r.node, path)
		if n > depth {
			file, depth, at = r.file, n, spot(key, value)
		}
	}
	if at == nil {
		return ""
	}
	return where(file, at)
}

// defined is where the key of that name stands in a section, "" if there is none.
func (d Document) defined(section, name string) string {
	for _, r := range d.roots {
		if key, _, n := find(r.node, r.node, []string{section, name}); n == 2 {
			return where(r.file, key)
		}
	}
	return ""
}

// locate notes flaws of shape at the places they are about, but for values that could not even be read, or
// that stand under a misspelt key: one complaint of each is enough.
func (r *reader) locate(flaws []assay.Flaw, key, body *yaml.Node) {
	unread := map[string]bool{}
	for _, f := range r.flaws {
		unread[f.Where] = true
	}
	for _, f := range flaws {
		k, v, depth := find(key, body, f.Path)
		if !unread[r.where(k)] && !unread[r.where(v)] && !r.hides(v, f.Path, depth) {
			r.fail(spot(k, v), f.Hint, "%s", f.What)
		}
	}
}

// hides says whether a flaw comes of a key misspelt in the mapping that its path leads to: of the key that the
// path goes on with, or, if the flaw is about a mapping as a whole, of any.
func (r *reader) hides(mapping *yaml.Node, path []string, depth int) bool {
	meant := r.meant[follow(mapping)]
	if depth < len(path) {
		return slices.Contains(meant, path[depth])
	}
	return depth > 0 && len(meant) > 0
}

// find follows a path from the value of key as far as the file goes: to which key and value, in how
// many steps.
func find(key, value *yaml.Node, path []string) (*yaml.Node, *yaml.Node, int) {
	depth := 0
	for _, step := range path {
		k, v := child(value, step)
		if v == nil {
			break
		}
		key, value = k, v
		depth++
	}
	return key, value, depth
}

// spot is where to look: a value on a line; for what is larger, or missing, its key says more.
func spot(key, value *yaml.Node) *yaml.Node {
	if follow(value).Kind != yaml.ScalarNode || null(value) {
		return key
	}
	return value
}

// child is the entry of a mapping or the item of a list, nil if there is none.
func child(n *yaml.Node, step string) (key, value *yaml.Node) {
	n = follow(n)
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
		return nil, nil
	}
	i, err := strconv.Atoi(step)
	if n.Kind != yaml.SequenceNode || err != nil || i < 0 || i >= len(n.Content) {
		return nil, nil
	}
	return n.Content[i], n.Content[i]
}

// Placed adds to an error the place in a file of what it is about.
func Placed(err error, where string) error {
	var e *assay.Error
	if where == "" || !errors.As(err, &e) {
		return err
	}
	at := *e
	at.Where = where
	if e.Where != "" && !strings.HasPrefix(where, e.Where) {
		at.Where += " (" + e.Where + ")"
	}
	return &at
}
