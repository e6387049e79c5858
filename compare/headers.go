package compare

import (
	"fmt"
	"maps"
	"mime"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/report"
)

// leftOut are the fields that are compared only when asked for by name: they belong to the connection
// (RFC 9110, section 7.6.1), to the moment, or follow from the body.
var leftOut = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Date", "Content-Length",
}

// newHeaders compares the fields of header and trailer that Only names, or all but those that Except
// names and leftOut. The case of names does not matter.
func newHeaders(spec assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	only, flaws := fieldNames(spec.Only)
	except, more := fieldNames(spec.Except, "except")
	flaws = append(flaws, more...)
	if len(only) > 0 && len(except) > 0 {
		flaws = append(flaws, assay.Flaw{
			What: "headers to compare and headers to except are both given",
			Hint: "list either the ones to compare or, under except, the ones to leave out",
		})
	}
	unordered, more := fieldNames(spec.Unordered, "unordered")
	rules, wrong := newFieldRules(spec)
	flaws = slices.Concat(flaws, more, wrong)
	return headers{only: only, except: append(except, leftOut...), unordered: append(unordered, anyOrder...), rules: rules}, flaws
}

// fieldNames makes names canonical, each once; those that no field can have are flaws, below the given path.
func fieldNames(names []string, path ...string) ([]string, []assay.Flaw) {
	var canonical []string
	var flaws []assay.Flaw
	for i, name := range names {
		if name == "" || strings.ContainsFunc(name, notInFieldName) {
			flaws = append(flaws, assay.Flaw{
				Path: append(slices.Clone(path), strconv.Itoa(i)),
				What: fmt.Sprintf("%q is not the name of a header", name),
				Hint: "for example content-type",
			})
		}
		if name = textproto.CanonicalMIMEHeaderKey(name); !slices.Contains(canonical, name) {
			canonical = append(canonical, name)
		}
	}
	return canonical, flaws
}

// notInFieldName refuses what is not a tchar of RFC 9110, section 5.6.2.
func notInFieldName(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

type headers struct {
	only      []string // all but except when empty
	except    []string
	unordered []string // fields that list values in any order
	rules     fieldRules
}

// Compare lists the fields of the header, then those of the trailer, in the order of Only or of their names.
func (h headers) Compare(control, other *assay.Observation) []assay.Difference {
	var r report.Report
	h.section(&r, "header:", control.Header, other.Header)
	h.section(&r, "trailer:", control.Trailer, other.Trailer)
	return r.Differences()
}

// section reports how the fields of one section differ, below the part of a path that names it.
func (h headers) section(r *report.Report, part string, control, other assay.Header) {
	for _, name := range h.names(control, other) {
		for _, d := range h.field(name, control[name], other[name]) {
			r.Add(h.rules.excuse(d.Path, d.Control, d.Candidate), func() assay.Difference {
				d.Control, d.Candidate = report.Excerpts(d.Control, d.Candidate)
				d.Path = report.Cut(part+d.Path, report.MaxPath)
				return d
			})
		}
	}
}

func (h headers) names(control, other assay.Header) []string {
	if len(h.only) > 0 {
		return h.only
	}
	all := slices.AppendSeq(slices.Collect(maps.Keys(control)), maps.Keys(other))
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool {
		return slices.Contains(h.except, textproto.CanonicalMIMEHeaderKey(name))
	})
}

// field tells how the values of a field differ, nil if they do not. Several values are compared in order,
// but for fields that list them in any; what is spread over several lines equals the same in one line (RFC
// 9110, section 5.3), except for Set-Cookie, whose lines are values of their own.
func (h headers) field(name string, control, other []string) []assay.Difference {
	a, b := showField(control), showField(other)
	d := assay.Difference{Path: strings.ToLower(name), Kind: assay.KindValue, Control: a, Candidate: b}
	switch {
	case len(control) == 0 && len(other) == 0:
		return nil
	case len(other) == 0:
		d.Kind = assay.KindMissing
	case len(control) == 0:
		d.Kind = assay.KindExtra
	case name == "Set-Cookie":
		return compareCookies(control, other)
	case a == b, name == "Content-Type" && sameContentType(a, b),
		slices.Contains(h.unordered, name) && slices.Equal(elements(name, a), elements(name, b)):
		return nil
	}
	return []assay.Difference{d}
}

func showField(values []string) string { return strings.Join(values, ", ") }

// sameContentType compares media type and parameters; case and space matter in a boundary alone.
func sameContentType(control, other string) bool {
	a, params, errA := mime.ParseMediaType(control)
	b, others, errB := mime.ParseMediaType(other)
	if errA != nil || errB != nil || a != b {
		return false
	}
	for _, p := range []map[string]string{params, others} {
		for name, value := range p {
			if name != "boundary" {
				p[name] = strings.ToLower(value)
			}
		}
	}
	return maps.Equal(params, others)
}
