package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

// invalid is what the parsers here fail with; the reader adds where.
func invalid(hint, format string, args ...any) error {
	return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf(format, args...), Hint: hint}
}

// parseShare reads "10%" or 0.1. The percent sign shifts the decimal point and nothing else, so that
// 0.7% is the number nearest to 0.007.
func parseShare(s string) (float64, error) {
	digits, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	digits = strings.TrimSpace(digits)
	v, err := strconv.ParseFloat(digits, 64)
	if percent && err == nil {
		v, err = shift(digits, -2)
	}
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, invalid("write it as 10% or 0.1", "%q is not a percentage", s)
	}
	return v, nil
}

// shift reads decimal digits with the point moved by n places.
func shift(digits string, n int) (float64, error) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(digits), "e")
	if exponent == "" {
		exponent = "0"
	}
	e, err := strconv.Atoi(exponent)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(mantissa+"e"+strconv.Itoa(e+n), 64)
}

// formatShare writes a share such that parseShare gives back the same number: in per cent, unless only
// the plain number does.
func formatShare(v float64) string {
	plain := strconv.FormatFloat(v, 'g', -1, 64)
	if p, err := shift(plain, 2); err == nil {
		s := strconv.FormatFloat(p, 'f', -1, 64) + "%"
		if back, err := parseShare(s); err == nil && back == v && len(s) < 24 {
			return s
		}
	}
	return plain
}

// ParseTime reads a day, which begins in UTC, or a time as RFC 3339 has it.
func ParseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.Year() < 1 {
		return time.Time{}, invalid("write it as 2027-01-31 or 2027-01-31T12:00:00Z", "%q is not a day or time", s)
	}
	return at.UTC(), nil
}

// formatTime writes a time such that ParseTime gives back the same; "" for none.
func formatTime(t time.Time) string {
	if t = t.UTC(); t.IsZero() {
		return ""
	}
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// formatPercent writes a share in per cent, however it looks, such that parseShare gives back the same number.
func formatPercent(v float64) string {
	if s := formatShare(v); strings.HasSuffix(s, "%") {
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent) // as just written
	return fmt.Sprintf("%se%d%%", mantissa, e+2)
}

// parseAtMost reads the longest time allowed: "<= 5ms", or the time alone.
func parseAtMost(s string) (time.Duration, error) { return parseDuration(withoutSign(s)) }

// withoutSign takes the sign off a limit, if it has one.
func withoutSign(s string) string {
	value := strings.TrimSpace(s)
	for _, sign := range []string{"<=", "≤"} {
		if rest, ok := strings.CutPrefix(value, sign); ok {
			return strings.TrimSpace(rest)
		}
	}
	return value
}

// maxPlain is the largest limit that may be written without its percent sign: who writes 110 means 110%.
const maxPlain = 10

// parseLimit reads the largest value allowed: "<= 0.1%", or the value alone.
func parseLimit(s string) (float64, error) {
	value := withoutSign(s)
	v, err := parseShare(value)
	if err != nil {
		return 0, invalid(`write it as "<= 0.1%"`, "%q is not a limit", s)
	}
	if v > maxPlain && !strings.HasSuffix(value, "%") {
		return 0, invalid(fmt.Sprintf("did you mean %s%%?", value), "%q is not a limit: it stands for %g %%", s, v*100)
	}
	return v, nil
}

// formatLimit writes a limit such that parseLimit gives back the same number.
func formatLimit(v float64) string {
	s := formatShare(v)
	if v > maxPlain {
		s = formatPercent(v)
	}
	return "<= " + s
}

// sizes, the largest first. As on AWS, a megabyte has 2^20 bytes.
var sizes = []struct {
	unit  string
	bytes int64
}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}}

// ParseSize reads "64MB", or bytes without a unit.
func ParseSize(s string) (int64, error) {
	digits, factor := strings.ToUpper(strings.TrimSpace(s)), int64(1)
	digits = strings.Replace(digits, "IB", "B", 1)
	for _, size := range sizes {
		if rest, ok := strings.CutSuffix(digits, size.unit); ok {
			digits, factor = strings.TrimSpace(rest), size.bytes
			break
		}
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || v > math.MaxInt64/factor || v < math.MinInt64/factor {
		return 0, invalid("write it as 64MB; the units are B, KB, MB and GB", "%q is not a size", s)
	}
	return v * factor, nil
}

// formatSize writes a size in the largest unit that it is a whole number of.
func formatSize(n int64) string {
	for _, size := range sizes {
		if n != 0 && n%size.bytes == 0 {
			return strconv.FormatInt(n/size.bytes, 10) + size.unit
		}
	}
	return "0B"
}

// parseMemory reads the memory of a function in MB: 128, 128MB or 1GB.
func parseMemory(s string) (int, error) {
	s = strings.TrimSpace(s)
	if _, err := strconv.Atoi(s); err == nil {
		s += "MB"
	}
	n, err := ParseSize(s)
	if err != nil || n%(1<<20) != 0 || n>>20 > math.MaxInt32 {
		return 0, invalid("write whole megabytes, for example 128", "%q is not an amount of memory", s)
	}
	return int(n >> 20), nil
}

// formatDuration writes a duration as parseDuration reads it, without units of which there are none: 24h.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-len("0s")]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-len("0m")]
	}
	return s
}

// parseDuration reads "3s", "1m30s", "24h", and "7d" for days of 24 hours.
func parseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(strings.TrimSpace(s), "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	v, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil {
		return 0, invalid("write it with its unit: 500ms, 3s, 10m, 24h or 7d", "%q is not a duration", s)
	}
	return v, nil
}
