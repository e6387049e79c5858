package compare

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
)

// body compares bodies by the first of its entries that takes them.
type body []bodyEntry

// bodyEntry compares the bodies of some media types; of all if it names none.
type bodyEntry struct {
	media   []string
	compare CompareFunc
}

func bodyOf(entries []entry) body {
	var b body
	for _, e := range entries {
		b = append(b, e.body)
	}
	return b
}

// newBody builds one entry. Other bodies than those it takes are compared by their content type.
func newBody(spec assay.ComparatorSpec, formats Formats) (bodyEntry, []assay.Flaw) {
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
		return malformed(control.Body, other.Body, errA, errB)
	}
	return c.contents(Content{a, control.Header.Get("Content-Type")}, Content{b, other.Header.Get("Content-Type")})
}

func (c body) contents(a, b Content) []assay.Difference {
	switch {
	case bytes.Equal(a.Data, b.Data):
		return nil
	case len(b.Data) == 0:
		return []assay.Difference{{Path: "body", Kind: assay.KindMissing, Control: showBody(a.Data)}}
	case len(a.Data) == 0:
		return []assay.Difference{{Path: "body", Kind: assay.KindExtra, Candidate: showBody(b.Data)}}
	}
	i := slices.IndexFunc(c, func(e bodyEntry) bool { return len(e.media) == 0 || e.takes(a) || e.takes(b) })
	return c[i].compare(a, b)
}

func (e bodyEntry) takes(c Content) bool { return matchMedia(e.media, c.media()) }

// truncated compares bodies up to where one of them was cut off. They never count as equal.
func truncated(control, other *assay.Observation) []assay.Difference {
	d := assay.Difference{Path: "body", Kind: assay.KindTruncated, Control: showSize(control), Candidate: showSize(other)}
	seen := min(len(control.Body), len(other.Body))
	switch at := commonPrefix(control.Body, other.Body); {
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

// malformed is the difference of bodies of which at least one has an error.
func malformed(control, other []byte, errControl, errOther error) []assay.Difference {
	var why []string
	if errControl != nil {
		why = append(why, "control: "+errControl.Error())
	}
	if errOther != nil {
		why = append(why, "candidate: "+errOther.Error())
	}
	return []assay.Difference{{
		Path: "body", Kind: assay.KindMalformed,
		Control: showBody(control), Candidate: showBody(other), Detail: strings.Join(why, "; "),
	}}
}

// showBody renders how a body begins: as text, or in hexadecimal when it does not look like text.
func showBody(body []byte) string {
	start := body[:min(len(body), 2*maxShown)]
	if bytes.IndexByte(start, 0) >= 0 {
		return fmt.Sprintf("%d bytes: %s", len(body), showBytes(body))
	}
	return shorten(string(start))
}
