package lambda

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"time"

	"github.com/assaylab/assay/lambda/control"
)

const latest = control.Latest

// plainName is what a request id may be, which becomes a header and a part of a path.
var plainName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

// traceID is an X-Ray trace header made of a request's id; nothing samples it.
func traceID(id string, now time.Time) string {
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", uint32(now.Unix()), sum[:12], sum[12:20])
}
