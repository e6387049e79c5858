package ship

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/assaylab/assay/suite/tree"
)

const (
	maxLayers = 5        // of a function, by AWS's rule
	worthIt   = 1 << 20  // bytes: a smaller part is no layer of its own
	maxPart   = 48 << 20 // bytes, so that its zip is one that AWS takes
)

// escape makes a path the name of a file, which workers read back.
var escape = struct{ do, undo *strings.Replacer }{strings.NewReplacer("%", "%25", "/", "%2F"), strings.NewReplacer("%25", "%", "%2F", "/")}

// parts cuts a project: its largest folders of the top level become layers, at most so many, and the rest
// goes with the function. Folders are cut at their names, so that the same files are the same part
// whatever else has changed.
func (y *Yard) parts(s *tree.Snapshot, most int) (layers []Layer, rest []string) {
	folders := map[string][]string{}
	for _, name := range s.Names() {
		top, _, nested := strings.Cut(name, "/")
		if !nested || !y.AWS {
			top = ""
		}
		folders[top] = append(folders[top], name)
	}
	for _, top := range largest(s, folders, most) {
		names := folders[top]
		delete(folders, top)
		layers = append(layers, Layer{Name: top, Key: key(s, names), Write: func(w io.Writer) error { return s.Part(w, names) }})
	}
	for _, names := range folders {
		rest = append(rest, names...)
	}
	slices.Sort(rest)
	return layers, rest
}

// largest are the folders that are worth a layer.
func largest(s *tree.Snapshot, folders map[string][]string, most int) (tops []string) {
	sizes := map[string]int64{}
	for top, names := range folders {
		for _, name := range names {
			sizes[top] += s.Files[name].Size
		}
		if top != "" && sizes[top] >= worthIt && sizes[top] <= maxPart {
			tops = append(tops, top)
		}
	}
	slices.SortFunc(tops, func(a, b string) int { return cmp.Or(cmp.Compare(sizes[b], sizes[a]), cmp.Compare(a, b)) })
	return tops[:min(len(tops), max(most, 0))]
}

// key is the hash of names, modes and contents.
func key(s *tree.Snapshot, names []string) string {
	h := sha256.New()
	for _, name := range names {
		e := s.Files[name]
		json.NewEncoder(h).Encode([]any{name, e.Mode, e.Hash, e.Link})
	}
	return hex.EncodeToString(h.Sum(nil))
}
