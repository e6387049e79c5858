package compare

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/decimal"
)

// anyOrder are the fields whose values come in any order (RFC 9110, RFC 9111 and the Fetch standard).
var anyOrder = []string{
	"Accept-Ch", "Accept-Patch", "Accept-Post", "Accept-Ranges", "Access-Control-Allow-Headers",
	"Access-Control-Allow-Methods", "Access-Control-Expose-Headers", "Allow", "Cache-Control", "Clear-Site-Data",
	"Connection", "Content-Language", "Pragma", "Trailer", "Vary",
}

// inAnyCase are those of them whose values are the same in capitals or not.
var inAnyCase = []string{
	"Accept-Ranges", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "Cache-Control", "Connection",
	"Content-Language", "Pragma", "Trailer", "Vary",
}

// elements are what a field lists (RFC 9110, section 5.6.1), sorted, each once.
func elements(name, value string) []string {
	if slices.Contains(inAnyCase, name) {
		value = lowerOutsideQuotes(value)
	}
	var all []string
	for _, e := range splitOutsideQuotes(value, ',') {
		if e != "" {
			all = append(all, e)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// splitOutsideQuotes splits at a separator, but not within quoted strings, and trims space.
func splitOutsideQuotes(s string, separator byte) (parts []string) {
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			parts = append(parts, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[start:]))
}

func lowerOutsideQuotes(s string) string {
	parts := strings.Split(s, `"`)
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ToLower(parts[i])
	}
	return strings.Join(parts, `"`)
}

// fieldRules excuse differences of fields. Their places are fields in lower case, "etag", or parts of a
// cookie, "set-cookie:session" or "set-cookie:session.expires"; each includes what is below it.
type fieldRules []fieldRule

type fieldRule struct {
	place, text string
	close       func(a, b string) bool
}

func newFieldRules(spec assay.ComparatorSpec) (fieldRules, []assay.Flaw) {
	var rules fieldRules
	var flaws []assay.Flaw
	add := func(option, step, place, limit string, close func(a, b string) bool) {
		field, _, _ := strings.Cut(place, ":")
		if _, wrong := fieldNames([]string{field}); len(wrong) > 0 {
			flaws = append(flaws, assay.Flaw{Path: []string{option, step}, What: wrong[0].What, Hint: wrong[0].Hint})
		}
		text := strings.TrimSpace(option + " " + place + " " + limit)
		rules = append(rules, fieldRule{lowerField(place), text, close})
	}
	for i, place := range spec.Ignore {
		add("ignore", strconv.Itoa(i), place, "", func(_, _ string) bool { return true })
	}
	for _, place := range slices.Sorted(maps.Keys(spec.Tolerance)) {
		text := strconv.FormatFloat(spec.Tolerance[place], 'g', -1, 64)
		add("tolerance", place, place, text, numbers(func(a, b decimal.Decimal) bool { return decimal.Within(a, b, decimal.Parse(text)) }))
	}
	for _, place := range slices.Sorted(maps.Keys(spec.Relative)) {
		text := strconv.FormatFloat(spec.Relative[place], 'g', -1, 64)
		add("tolerance", place, place, text+" of the number", numbers(func(a, b decimal.Decimal) bool { return decimal.WithinShare(a, b, decimal.Parse(text)) }))
	}
	for _, place := range slices.Sorted(maps.Keys(spec.Dates)) {
		limit := spec.Dates[place]
		add("tolerance", place, place, limit.String(), func(a, b string) bool { return decimal.DatesWithin(a, b, limit) })
	}
	return rules, flaws
}

// lowerField lowers the field's name in a place; the names of cookies have case.
func lowerField(place string) string {
	field, rest, ok := strings.Cut(place, ":")
	if !ok {
		return strings.ToLower(field)
	}
	return strings.ToLower(field) + ":" + rest
}

// numbers makes a test of numbers one of texts.
func numbers(close func(a, b decimal.Decimal) bool) func(a, b string) bool {
	return func(a, b string) bool {
		return decimal.IsNumber(a) && decimal.IsNumber(b) && close(decimal.Parse(a), decimal.Parse(b))
	}
}

// excuse is the rule that excuses a difference at a place, "" if none does.
func (rules fieldRules) excuse(place, a, b string) string {
	for _, r := range rules {
		rest, below := strings.CutPrefix(place, r.place)
		if below && (rest == "" || rest[0] == ':' || rest[0] == '.') && r.close(a, b) {
			return r.text
		}
	}
	return ""
}
