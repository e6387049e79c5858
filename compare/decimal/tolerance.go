package decimal

import (
	"strconv"
	"strings"
	"time"
)

// WithinShare tells whether a and b are no further apart than a share of the larger, without signs.
func WithinShare(a, b, share Decimal) bool {
	low, high := span(a, b)
	if high-low > maxSpan {
		return false
	}
	larger := a
	if b.scaled(low).CmpAbs(a.scaled(low)) > 0 {
		larger = b
	}
	larger.negative = false
	return Within(a, b, larger.times(share))
}

// dateForm is a way of writing a moment.
type dateForm int

const (
	noDate      dateForm = iota
	dateRFC3339          // 2026-11-25T04:00:00.5+01:00
	dateHTTP             // Wed, 25 Nov 2026 03:00:00 GMT, and the two older forms of RFC 9110, section 5.6.7
	dateSeconds          // since 1970, up to 11 digits: until the year 5138
	dateMillis           // since 1970, 12 to 14 digits
)

// DatesWithin tells whether two texts are moments no further apart than limit, written in the same
// form: a change from seconds to milliseconds is no matter of tolerance.
func DatesWithin(a, b string, limit time.Duration) bool {
	x, form := parseDate(a)
	y, other := parseDate(b)
	switch {
	case form != other || form == noDate:
		return false
	case form == dateSeconds:
		return Within(Parse(a), Parse(b), Parse(strconv.FormatInt(int64(limit), 10)+"e-9"))
	case form == dateMillis:
		return Within(Parse(a), Parse(b), Parse(strconv.FormatInt(int64(limit), 10)+"e-6"))
	}
	return x.Sub(y).Abs() <= limit
}

// parseDate reads a moment. Of seconds and milliseconds it tells the form alone.
func parseDate(s string) (time.Time, dateForm) {
	if t, err := time.ParseInLocation(time.RFC3339Nano, strings.ToUpper(s), time.UTC); err == nil {
		return t, dateRFC3339
	}
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.ParseInLocation(layout, s, time.UTC); err == nil {
			return t, dateHTTP
		}
	}
	if !IsNumber(s) {
		return time.Time{}, noDate
	}
	d := Parse(s)
	switch places := int64(len(d.digits)) + d.exponent; {
	case places <= 11:
		return time.Time{}, dateSeconds
	case places <= 14:
		return time.Time{}, dateMillis
	}
	return time.Time{}, noDate
}
