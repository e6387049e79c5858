package compare

import (
	"bytes"
	"cmp"
	"fmt"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

// format compares bodies of one kind: decoded, not empty, and not equal byte for byte.
type format struct {
	name    string                  // as the definition calls it
	takes   func(media string) bool // whether bodies of a media type are compared by it
	compare func(control, other []byte) []assay.Difference
}

// formats lists them in the order in which they are asked; the last one takes anything.
func formats(rules *rules) []format {
	return []format{
		{"json", isJSON, rules.compareJSON},
		{"image", isImage, compareImages},
		{"text", isText, compareText},
		{"bytes", isAny, compareBytes},
	}
}

func isAny(string) bool { return true }

func isJSON(media string) bool {
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json") ||
		strings.HasPrefix(media, "application/x-amz-json-")
}

func isImage(media string) bool {
	return media == "image/png" || media == "image/jpeg" || media == "image/gif"
}

func isText(media string) bool {
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+xml") || media == "application/xml" ||
		media == "application/javascript" || media == "application/x-www-form-urlencoded"
}

// newBody compares bodies, by the format that As names or else by the content type.
func newBody(spec assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	rules, flaws := newRules(spec)
	all := formats(rules)
	named := slices.IndexFunc(all, func(f format) bool { return f.name == spec.As })
	switch {
	case named >= 0:
		all = []format{{spec.As, isAny, all[named].compare}}
	case spec.As != "":
		flaws = append(flaws, assay.Flaw{
			Path: []string{"as"},
			What: fmt.Sprintf("bodies cannot be compared as %q", spec.As),
			Hint: "json, text, bytes or image; without it the content type decides",
		})
	}
	if named >= 0 && spec.As != "json" && !rules.empty() {
		flaws = append(flaws, assay.Flaw{
			Path: []string{"as"},
			What: "ignore, tolerance, unordered and key are for JSON, the body is compared as " + spec.As,
			Hint: "write as: json, or leave those options out",
		})
	}
	return body{all}, flaws
}

type body struct{ formats []format }

// Compare undoes content codings first: gzip or not is no difference of bodies. Bodies that are equal
// byte for byte are equal even if malformed; one that was not seen whole equals nothing.
func (c body) Compare(control, other *assay.Observation) []assay.Difference {
	if isCut(control) || isCut(other) {
		return []assay.Difference{{Path: "body", Kind: assay.KindTruncated, Control: showSize(control), Candidate: showSize(other)}}
	}
	sameCoding := slices.Equal(contentCodings(control.Header), contentCodings(other.Header))
	if sameCoding && bytes.Equal(control.Body, other.Body) {
		return nil
	}
	a, errA := Decode(control)
	b, errB := Decode(other)
	switch {
	case errA != nil || errB != nil:
		return malformed(control.Body, other.Body, errA, errB)
	case bytes.Equal(a, b):
		return nil
	case len(b) == 0:
		return []assay.Difference{{Path: "body", Kind: assay.KindMissing, Control: showBody(a)}}
	case len(a) == 0:
		return []assay.Difference{{Path: "body", Kind: assay.KindExtra, Candidate: showBody(b)}}
	}
	media := cmp.Or(mediaType(control), mediaType(other))
	if media == "" && len(c.formats) > 1 {
		media = guess(a, b)
	}
	return c.format(media).compare(a, b)
}

// format is the first that takes the media type.
func (c body) format(media string) format {
	return c.formats[slices.IndexFunc(c.formats, func(f format) bool { return f.takes(media) })]
}

// guess is the media type of two bodies that name none, as payloads of direct invocations do.
func guess(a, b []byte) string {
	switch {
	case isDocument(a) && isDocument(b):
		return "application/json"
	case utf8.Valid(a) && utf8.Valid(b):
		return "text/plain"
	}
	return "application/octet-stream"
}

// isDocument tells a JSON object or array; a scalar may be anything.
func isDocument(body []byte) bool {
	v, err := parse(body)
	return err == nil && (v.kind == object || v.kind == array)
}

func mediaType(o *assay.Observation) string {
	value := o.Header.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(value); err == nil {
		return media
	}
	media, _, _ := strings.Cut(value, ";")
	return strings.ToLower(strings.TrimSpace(media))
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
