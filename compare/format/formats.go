// Package format is what formats of bodies have in common, and how one is chosen. In come the formats known and the
// spec of a comparator; out goes the function that compares contents of its format, or by their types. It is pure.
package format

import (
	"fmt"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// Content is a body or a part of one, its content coding undone.
type Content struct {
	Data []byte
	Type string // as in Content-Type, with its parameters; "" when nothing names it
}

// Media is the media type in lower case, "" when nothing names it.
func (c Content) Media() string {
	if strings.Contains(c.Type, ";") {
		if media, _, err := mime.ParseMediaType(c.Type); err == nil {
			return media
		}
	}
	media, _, _ := strings.Cut(c.Type, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// CompareFunc lists the differences of two contents that are not empty and not equal byte for byte. Their
// paths are "body", or "body:" and a way into the content. It is pure, and safe for concurrent use.
type CompareFunc func(control, other Content) []assay.Difference

// Format is a way of comparing contents of one kind.
type Format struct {
	Name    string            // as definitions call it in `as`
	Media   []string          // the media types it takes; "*" stands for any run of characters but "/"
	Options []string          // the options of a ComparatorSpec it takes, by their names in JSON
	Guess   func([]byte) bool // whether content that nothing names looks like it; nil: none does

	// Build makes its comparison. The flaws' paths are relative to the options. The formats are those
	// that parts of the content may be compared as.
	Build func(assay.ComparatorSpec, Formats) (CompareFunc, []assay.Flaw)
}

// takes tells whether contents of a media type are compared by the format.
func (f *Format) takes(media string) bool { return MatchMedia(f.Media, media) }

// Formats are asked in their order; the last one takes anything.
type Formats []Format

// Named returns the format of that name, nil if there is none.
func (fs Formats) Named(name string) *Format {
	i := slices.IndexFunc(fs, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &fs[i]
}

// Build makes the comparison that a spec describes: by the format that As names, or else by the
// contents' types.
func (fs Formats) Build(spec assay.ComparatorSpec) (CompareFunc, []assay.Flaw) {
	if spec.As == "" {
		return fs.buildAll(spec)
	}
	f := fs.Named(spec.As)
	if f == nil {
		return nil, []assay.Flaw{{
			Path: []string{"as"},
			What: fmt.Sprintf("nothing can be compared as %q", spec.As),
			Hint: fs.names() + "; without it the content type decides",
		}}
	}
	compare, flaws := f.Build(spec, fs)
	return compare, append(f.unknown(spec), flaws...)
}

// unknown are flaws for the options given that the format does not take.
func (f *Format) unknown(spec assay.ComparatorSpec) (flaws []assay.Flaw) {
	for _, option := range spec.Options() {
		if !slices.Contains(f.Options, option) {
			flaws = append(flaws, assay.Flaw{
				Path: []string{option},
				What: fmt.Sprintf("%s does nothing where contents are compared as %s", option, f.Name),
				Hint: "leave it out, or compare as something else",
			})
		}
	}
	return flaws
}

// buildAll makes the comparison that goes by the contents' types. A flaw that several formats find in
// an option is told once.
func (fs Formats) buildAll(spec assay.ComparatorSpec) (CompareFunc, []assay.Flaw) {
	var flaws []assay.Flaw
	built := make([]CompareFunc, len(fs))
	for i, f := range fs {
		compare, found := f.Build(spec.With(f.Options), fs)
		built[i] = compare
		for _, flaw := range found {
			if !slices.ContainsFunc(flaws, func(known assay.Flaw) bool { return slices.Equal(known.Path, flaw.Path) }) {
				flaws = append(flaws, flaw)
			}
		}
	}
	return func(control, other Content) []assay.Difference {
		return built[fs.pick(control, other)](control, other)
	}, flaws
}

// pick is the first format that takes either type, so that it does not matter which side is the
// control. Contents that nothing names are taken for what both look like.
func (fs Formats) pick(control, other Content) int {
	a, b := control.Media(), other.Media()
	i := slices.IndexFunc(fs, func(f Format) bool {
		if a == "" && b == "" {
			return f.Guess != nil && f.Guess(control.Data) && f.Guess(other.Data)
		}
		return f.takes(a) || f.takes(b)
	})
	if i < 0 {
		return len(fs) - 1
	}
	return i
}

// Without are the formats but that of a name.
func (fs Formats) Without(name string) Formats {
	var rest Formats
	for _, f := range fs {
		if f.Name != name {
			rest = append(rest, f)
		}
	}
	return rest
}

func (fs Formats) names() string {
	var names []string
	for _, f := range fs {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// MatchMedia tells whether a media type is one of the patterns.
func MatchMedia(patterns []string, media string) bool {
	return media != "" && slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == media {
			return true
		}
		matches, err := path.Match(strings.ToLower(pattern), media)
		return matches && err == nil
	})
}

// OfData makes a function of bytes a CompareFunc.
func OfData(compare func(control, other []byte) []assay.Difference) CompareFunc {
	return func(control, other Content) []assay.Difference { return compare(control.Data, other.Data) }
}

// Plainly is the Build of a format without options.
func Plainly(compare func(control, other []byte) []assay.Difference) func(assay.ComparatorSpec, Formats) (CompareFunc, []assay.Flaw) {
	return func(assay.ComparatorSpec, Formats) (CompareFunc, []assay.Flaw) { return OfData(compare), nil }
}
