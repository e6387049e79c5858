package assay

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Class is a kind of value that is expected to differ from call to call.
type Class string

// The classes of a Rule.
const (
	ClassTimestamp Class = "timestamp"  // RFC 3339
	ClassEpoch     Class = "epoch"      // seconds, or thousandths, millionths, … of them, since 1970
	ClassHTTPDate  Class = "http-date"  // RFC 9110, section 5.6.7
	ClassUUID      Class = "uuid"       // RFC 9562
	ClassRequestID Class = "request-id" // an opaque word at a name that says so
	ClassETag      Class = "etag"       // RFC 9110, section 8.8.3
	ClassToken     Class = "token"      // an opaque word: a cursor, a nonce
	ClassCounter   Class = "counter"    // a whole number
	ClassJitter    Class = "jitter"     // a number that is nearly the same
	ClassUnordered Class = "unordered"  // an array whose order does not matter
)

// Classes lists them all.
var Classes = []Class{
	ClassTimestamp, ClassEpoch, ClassHTTPDate, ClassUUID, ClassRequestID,
	ClassETag, ClassToken, ClassCounter, ClassJitter, ClassUnordered,
}

// Unit is what a Rule's Within counts: "s", or "" for the values' own unit.
func (c Class) Unit() string {
	switch c {
	case ClassTimestamp, ClassEpoch, ClassHTTPDate:
		return "s"
	}
	return ""
}

// Rule excuses a difference at a path when both values are of its class. It was proposed from what the
// control and its secondary showed there, or written by hand; somebody answers for it, and it ends.
type Rule struct {
	Path  string `json:"path"` // as in PathCount; of an unordered array its own
	Class Class  `json:"class"`
	// Within is how far apart the values may be: seconds for times, the values' own unit for numbers. Zero
	// sets no limit, except for jitter, which has none to excuse then.
	Within   float64   `json:"within,omitempty"`
	Owner    string    `json:"owner,omitempty"`   // who answers for it
	Expires  time.Time `json:"expires,omitzero"`  // from then on it excuses nothing
	Accepted time.Time `json:"accepted,omitzero"` // when it was accepted live; zero: it stands in the definition's file
}

// ID names the rule by its class and path, in eight hexadecimal digits.
func (r *Rule) ID() string {
	sum := sha256.Sum256([]byte(string(r.Class) + " " + r.Path))
	return hex.EncodeToString(sum[:4])
}

// Text is what Difference.Ignored says of what the rule excuses.
func (r *Rule) Text() string { return "rule " + r.ID() + ": " + string(r.Class) }

// Expired tells whether the rule excuses nothing any more at a time.
func (r *Rule) Expired(at time.Time) bool { return !at.Before(r.Expires) }
