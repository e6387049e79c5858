package pages

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay/console/shape"
)

const unknown = "–"

// count groups the digits of n by thousands.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// millis writes milliseconds to about three digits.
func millis(v float64) string {
	switch {
	case v <= 0:
		return unknown
	case v < 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return count(int64(math.Round(v)))
	}
}

// percent writes a share. It never rounds to all or nothing what is not.
func percent(share float64) string {
	text := trimZeros(strconv.FormatFloat(share*100, 'f', 2, 64))
	switch {
	case share > 0 && text == "0":
		text = "<0.01"
	case share < 1 && text == "100":
		text = ">99.99"
	}
	return text + "%"
}

// exactPercent writes a share for parseRate to read the same one again.
func exactPercent(share float64) string {
	shifted, _ := shape.Shift(strconv.FormatFloat(share, 'g', -1, 64), 2)
	return strconv.FormatFloat(shifted, 'f', -1, 64) + "%"
}

// ratio writes a quotient as a percentage, which may be without bound.
func ratio(v float64) string {
	if v > 1e6 {
		return "∞"
	}
	return percent(v)
}

func trimZeros(number string) string {
	return strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
}

// dollars writes an amount to two digits, or to three significant ones below ten cents.
func dollars(v float64) string {
	if v != 0 && math.Abs(v) < 0.1 {
		return "$" + strconv.FormatFloat(v, 'g', 3, 64)
	}
	return "$" + strconv.FormatFloat(v, 'f', 2, 64)
}

func bytesText(n int64) string {
	switch {
	case n < 1<<10:
		return count(n) + " B"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " kB"
	default:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
	}
}

func durationText(d time.Duration) string {
	if d <= 0 {
		return unknown
	}
	return millis(shape.Milliseconds(d)) + " ms"
}

func clock(t time.Time) string {
	if t.IsZero() {
		return unknown
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func short(id string) string {
	if len(id) > 8 {
		return id[:8]
	}
	return id
}

// plural chooses a noun's form.
// signed renders seconds in milliseconds, with their sign.
func signed(seconds any) string {
	switch s := seconds.(type) {
	case *float64:
		return signed(*s)
	case float64:
		text := strconv.FormatFloat(1000*s, 'g', 3, 64)
		if s >= 0 {
			text = "+" + text
		}
		return text
	}
	return unknown
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// times says how often.
func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return count(n) + " times"
}

// pathTo builds an address of escaped segments.
func pathTo(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}
