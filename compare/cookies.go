package compare

import (
	"maps"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/decimal"
)

// cookie is what one Set-Cookie line sets (RFC 6265, section 4.1).
type cookie struct {
	line, name, value string
	attributes        map[string]string // by name in lower case
}

func parseCookie(line string) cookie {
	parts := splitOutsideQuotes(line, ';')
	name, value, _ := strings.Cut(parts[0], "=")
	c := cookie{line: line, name: strings.TrimSpace(name), value: strings.TrimSpace(value), attributes: map[string]string{}}
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			c.attributes[name] = attribute(name, strings.TrimSpace(value))
		}
	}
	return c
}

// attribute writes a value in one way of several that mean the same.
func attribute(name, value string) string {
	switch name {
	case "samesite":
		return strings.ToLower(value)
	case "domain":
		return strings.ToLower(strings.TrimPrefix(value, "."))
	case "secure", "httponly", "partitioned":
		return "" // whatever it says
	}
	return value
}

// compareCookies compares what lines of Set-Cookie set, by the cookies' names: their order does not matter.
// Of several cookies of one name the first is compared with the first, and so on.
func compareCookies(control, other []string) []assay.Difference {
	var all []assay.Difference
	a, b := cookies(control), cookies(other)
	for _, name := range slices.Sorted(maps.Keys(merged(a, b))) {
		place := "set-cookie:" + name
		for i := range max(len(a[name]), len(b[name])) {
			switch {
			case i >= len(b[name]):
				all = append(all, assay.Difference{Path: place, Kind: assay.KindMissing, Control: a[name][i].line})
			case i >= len(a[name]):
				all = append(all, assay.Difference{Path: place, Kind: assay.KindExtra, Candidate: b[name][i].line})
			default:
				all = append(all, a[name][i].compare(b[name][i], place)...)
			}
		}
	}
	return all
}

func cookies(lines []string) map[string][]cookie {
	all := map[string][]cookie{}
	for _, line := range lines {
		c := parseCookie(line)
		all[c.name] = append(all[c.name], c)
	}
	return all
}

func merged[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// compare lists in what two cookies of one name differ: the value, and each attribute.
func (c cookie) compare(d cookie, place string) []assay.Difference {
	var all []assay.Difference
	if c.value != d.value {
		all = append(all, assay.Difference{Path: place + ".value", Kind: assay.KindValue, Control: c.value, Candidate: d.value})
	}
	for _, name := range slices.Sorted(maps.Keys(merged(c.attributes, d.attributes))) {
		x, inC := c.attributes[name]
		y, inD := d.attributes[name]
		switch at := place + "." + name; {
		case !inD:
			all = append(all, assay.Difference{Path: at, Kind: assay.KindMissing, Control: name + "=" + x})
		case !inC:
			all = append(all, assay.Difference{Path: at, Kind: assay.KindExtra, Candidate: name + "=" + y})
		case x != y && (name != "expires" || !decimal.DatesWithin(x, y, 0)):
			all = append(all, assay.Difference{Path: at, Kind: assay.KindValue, Control: x, Candidate: y})
		}
	}
	return all
}
