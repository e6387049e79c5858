package lambda

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"regexp"
	"time"

	"github.com/assaylab/assay"
)

// latest is the only version there is for now.
const latest = "$LATEST"

// namePattern is AWS's own for the FunctionName of Invoke: a name, a partial ARN or a full one, each
// with or without a qualifier. Validation errors quote it.
const namePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

var (
	anyName   = regexp.MustCompile(`^` + namePattern + `$`)
	plainName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)
)

// reference is a function as a caller names it.
type reference struct {
	region    string // "" unless given
	name      string
	qualifier string // "" unless given
}

// parseReference reads a FunctionName.
func parseReference(s string) (reference, bool) {
	m := anyName.FindStringSubmatch(s)
	if m == nil {
		return reference{}, false
	}
	r := reference{name: m[7], qualifier: m[9]}
	if m[3] != "" {
		r.region = m[3][:len(m[3])-1]
	}
	return r, true
}

// arn is the function's, with the qualifier only if the caller used one.
func (r reference) arn() string {
	arn := functionARN(r.name)
	if r.qualifier != "" {
		arn += ":" + r.qualifier
	}
	return arn
}

func functionARN(name string) string {
	return "arn:aws:lambda:" + assay.EmbeddedRegion + ":" + assay.EmbeddedAccount + ":function:" + name
}

// newID returns a random UUID, version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// traceID is an X-Ray trace header made of a request's id; nothing samples it.
func traceID(id string, now time.Time) string {
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", uint32(now.Unix()), sum[:12], sum[12:20])
}
