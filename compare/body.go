package compare

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/format"
	"github.com/assaylab/assay/compare/report"
)

// body compares bodies by the first of its entries that takes them.
type body []bodyEntry

// bodyEntry compares the bodies of some media types; of all if it names none.
type bodyEntry struct {
	media   []string
	compare format.CompareFunc
}

func bodyOf(entries []entry) body {
	var b body
	for _, e := range entries {
		b = append(b, e.body)
	}
	return b
}

// newBody builds one entry. Other bodies than those it takes are compared by their content type.
func newBody(spec assay.ComparatorSpec, formats format.Formats) (bodyEntry, []assay.Flaw) {
	compare, flaws := formats.Build(spec)
	for i, media := range spec.Type {
		if !isMediaPattern(media) {
			flaws = append(flaws, assay.Flaw{
				Path: []string{"type", strconv.Itoa(i)},
				What: fmt.Sprintf("%q is not a media type", media),
				Hint: "for example application/json, image/* or */*+xml",
			})
		}
	}
	return bodyEntry{spec.Type, compare}, flaws
}

// isMediaPattern tells a media type in which * may stand for any run of characters.
func isMediaPattern(s string) bool {
	kind, sub, ok := strings.Cut(s, "/")
	return ok && kind != "" && sub != "" && !strings.ContainsFunc(kind+sub, notInFieldName)
}

// Compare undoes content codings first: gzip or not is no difference of bodies. Bodies that are equal
// byte for byte are equal even if malformed; one that was not seen whole equals nothing.
func (c body) Compare(control, other *assay.Observation) []assay.Difference {
	if isCut(control) || isCut(other) {
		return truncated(control, other)
	}
	if sameCoding(control, other) && bytes.Equal(control.Body, other.Body) {
		return nil
	}
	a, errA := Decode(control)
	b, errB := Decode(other)
	if errA != nil || errB != nil {
		return report.Malformed(control.Body, other.Body, errA, errB)
	}
	return c.contents(format.Content{Data: a, Type: control.Header.Get("Content-Type")}, format.Content{Data: b, Type: other.Header.Get("Content-Type")})
}

func (c body) contents(a, b format.Content) []assay.Difference {
	switch {
	case bytes.Equal(a.Data, b.Data):
		return nil
	case len(b.Data) == 0:
		return []assay.Difference{{Path: "body", Kind: assay.KindMissing, Control: report.ShowBody(a.Data)}}
	case len(a.Data) == 0:
		return []assay.Difference{{Path: "body", Kind: assay.KindExtra, Candidate: report.ShowBody(b.Data)}}
	}
	i := slices.IndexFunc(c, func(e bodyEntry) bool { return len(e.media) == 0 || e.takes(a) || e.takes(b) })
	return c[i].compare(a, b)
}

func (e bodyEntry) takes(c format.Content) bool { return format.MatchMedia(e.media, c.Media()) }

// truncated compares bodies up to where one of them was cut off. They never count as equal.
func truncated(control, other *assay.Observation) []assay.Difference {
	d := assay.Difference{Path: "body", Kind: assay.KindTruncated, Control: showSize(control), Candidate: showSize(other)}
	seen := min(len(control.Body), len(other.Body))
	switch at := report.CommonPrefix(control.Body, other.Body); {
	case !sameCoding(control, other):
		d.Detail = "in other content codings"
	case at < seen:
		d.Detail = fmt.Sprintf("first differing at offset %d", at)
	default:
		d.Detail = fmt.Sprintf("the first %d bytes are equal", seen)
	}
	return []assay.Difference{d}
}

func sameCoding(a, b *assay.Observation) bool {
	return slices.Equal(contentCodings(a.Header), contentCodings(b.Header))
}

func isCut(o *assay.Observation) bool { return o.BodySize > int64(len(o.Body)) }

func showSize(o *assay.Observation) string {
	return fmt.Sprintf("%d of %d bytes", len(o.Body), max(o.BodySize, int64(len(o.Body))))
}
