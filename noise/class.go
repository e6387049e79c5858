package noise

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

var (
	uuidPattern    = regexp.MustCompile(`^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	integerPattern = regexp.MustCompile(`^-?[0-9]{1,18}$`)
	numberPattern  = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)
	tokenPattern   = regexp.MustCompile(`^…?[A-Za-z0-9+/_=.~%:|-]{10,}…?$`)
	wordPattern    = regexp.MustCompile(`^…?[^\s"]{6,}…?$`)
	tagPattern     = regexp.MustCompile(`^(W/)?"?[^\s"]{2,}"?$`)
	requestName    = regexp.MustCompile(`(?i)(request|req|trace|tracing|correlation|span|transaction|invocation|session|message|operation)[-_]?id$|traceparent$|cf-ray$|x-amz-id-2$|trace-id$`)
	lastName       = regexp.MustCompile(`(?:[.:]|\[')([^.:\[\]']+)(?:'\])?(?:\[\*\])*$`)
)

// kinds says of each class of single values what belongs to it, and where on a scale it lies; classes
// without a scale have 0 for all.
var kinds = map[assay.Class]func(path, text string) (at float64, ok bool){
	assay.ClassTimestamp: timestamp,
	assay.ClassEpoch:     epoch,
	assay.ClassHTTPDate:  httpDate,
	assay.ClassUUID:      matching(uuidPattern),
	assay.ClassRequestID: requestID,
	assay.ClassETag:      etag,
	assay.ClassToken:     token,
	assay.ClassCounter:   counter,
	assay.ClassJitter:    number,
}

// excuses tells whether both values are of the rule's class, and no further apart than it allows.
func excuses(r *assay.Rule, control, other string) bool {
	belongs, known := kinds[r.Class]
	if !known {
		return false
	}
	a, okA := belongs(r.Path, text(control))
	b, okB := belongs(r.Path, text(other))
	return okA && okB && (r.Within == 0 && r.Class != assay.ClassJitter || math.Abs(a-b) <= r.Within)
}

// text is what a rendering stands for: the content of a JSON string, and all else as it is.
func text(rendered string) string {
	if strings.HasPrefix(rendered, `"`) {
		var s string
		if json.Unmarshal([]byte(rendered), &s) == nil {
			return s
		}
	}
	return rendered
}

func matching(pattern *regexp.Regexp) func(_, text string) (float64, bool) {
	return func(_, text string) (float64, bool) { return 0, pattern.MatchString(text) }
}

// timeLayouts are RFC 3339, and what libraries write that leave a part of it out.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime}

func timestamp(_, text string) (float64, bool) { return parseTime(text, timeLayouts) }

func httpDate(_, text string) (float64, bool) {
	return parseTime(text, []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC})
}

func parseTime(text string, layouts []string) (seconds float64, ok bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixMicro()) / 1e6, true
		}
	}
	return 0, false
}

// The years that an epoch is believed to be of, 2000 to 2100, in seconds.
const (
	firstEpoch = 946_684_800
	lastEpoch  = 4_102_444_800
)

// epoch takes numbers of seconds, milliseconds, microseconds and nanoseconds: at most one of them is in
// this century.
func epoch(_, text string) (seconds float64, ok bool) {
	v, ok := number("", text)
	for range 4 {
		if ok && v >= firstEpoch && v < lastEpoch {
			return v, true
		}
		v /= 1000
	}
	return 0, false
}

func requestID(path, text string) (float64, bool) {
	return 0, requestName.MatchString(nameOf(path)) && wordPattern.MatchString(text)
}

func etag(path, text string) (float64, bool) {
	return 0, strings.EqualFold(nameOf(path), "etag") && tagPattern.MatchString(text)
}

// nameOf is the last name on a path: of a header field, of a member.
func nameOf(path string) string {
	if m := lastName.FindStringSubmatch(path); m != nil {
		return m[1]
	}
	return ""
}

// token wants letters and digits: words alone, or numbers, may mean something.
func token(_, text string) (float64, bool) {
	return 0, tokenPattern.MatchString(text) && strings.ContainsAny(text, "0123456789") &&
		strings.ContainsFunc(text, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
}

func counter(_, text string) (float64, bool) {
	if !integerPattern.MatchString(text) {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

func number(_, text string) (float64, bool) {
	if !numberPattern.MatchString(text) {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// Sort says in a word what sort of value a rendering in a Difference shows; "" for none.
func Sort(rendered string) string {
	switch {
	case rendered == "", rendered == "null":
		return rendered
	case rendered == "true", rendered == "false":
		return "boolean"
	case integerPattern.MatchString(rendered):
		return "integer"
	case numberPattern.MatchString(rendered):
		return "number"
	case rendered[0] == '{':
		return "object"
	case rendered[0] == '[' && !strings.HasPrefix(rendered, "[redacted "):
		return "array"
	}
	return sortOfText(text(rendered))
}

func sortOfText(s string) string {
	if s == "" {
		return "empty string"
	}
	for _, c := range []assay.Class{assay.ClassUUID, assay.ClassTimestamp, assay.ClassHTTPDate} {
		if _, ok := kinds[c]("", s); ok {
			return string(c)
		}
	}
	if numberPattern.MatchString(s) {
		return "number in a string"
	}
	return "string"
}
