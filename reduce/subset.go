package reduce

import (
	"regexp"
	"slices"
	"strconv"
)

// subset returns a part of the items that passes and of which none can be left out (1-minimal): ddmin. The
// items as they are must pass.
func subset[T any](items []T, passes func([]T) bool) []T {
	if len(items) == 0 {
		return items
	}
	if passes(nil) {
		return nil
	}
	for parts := 2; len(items) > 1; {
		rest, found := withoutPart(items, parts, passes)
		switch {
		case found:
			items, parts = rest, max(parts-1, 2)
		case parts >= len(items):
			return items
		default:
			parts = min(2*parts, len(items))
		}
	}
	return items
}

// withoutPart looks for one of so many equal parts that can be left out.
func withoutPart[T any](items []T, parts int, passes func([]T) bool) (rest []T, found bool) {
	for i := range parts {
		from, to := i*len(items)/parts, (i+1)*len(items)/parts
		if rest = slices.Concat(items[:from], items[to:]); len(rest) > 0 && from < to && passes(rest) {
			return rest, true
		}
	}
	return nil, false
}

// numeral is a number that is made shorter as one.
var numeral = regexp.MustCompile(`^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$`)

// shorten makes a text shorter as long as it passes: numbers as numbers, others by leaving characters out.
func shorten(text string, passes func(string) bool) {
	if text == "" || passes("") {
		return
	}
	if numeral.MatchString(text) {
		shortenNumber(text, passes)
		return
	}
	subset([]rune(text), func(some []rune) bool { return len(some) > 0 && passes(string(some)) })
}

// shortenNumber tries simpler numbers until none passes.
func shortenNumber(text string, passes func(string) bool) {
	for again := true; again; {
		again = false
		for _, simpler := range simplerNumbers(text) {
			if passes(simpler) {
				text, again = simpler, true
				break
			}
		}
	}
}

// simplerNumbers lists numbers that are shorter than one, or as long and smaller, the simplest first.
func simplerNumbers(text string) []string {
	m := numeral.FindStringSubmatch(text)
	sign, whole, fraction := m[1], m[2], m[3]
	write := func(sign, whole, fraction string) string {
		if fraction == "" {
			return sign + whole
		}
		return sign + whole + "." + fraction
	}
	all := []string{"0", "1", write("", whole, fraction), write(sign, whole, "")}
	if fraction != "" {
		all = append(all, write("", "0", fraction), write(sign, "0", fraction), write(sign, whole, fraction[:len(fraction)/2]), write(sign, whole, fraction[:len(fraction)-1]))
	}
	if len(whole) > 1 {
		all = append(all, write(sign, whole[:1], fraction), write(sign, whole[:len(whole)/2], fraction), write(sign, whole[:len(whole)-1], fraction))
		if whole[1] != '0' {
			all = append(all, write(sign, whole[1:], fraction))
		}
	}
	if whole > "1" {
		all = append(all, write(sign, "1", fraction))
	}
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil {
		all = append(all, write(sign, strconv.FormatInt(n/2, 10), fraction))
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) > len(text) || len(s) == len(text) && s >= text })
}
