package trial

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/assaylab/assay"
)

// dice choose requests, whatever trials leave to chance meanwhile.
type dice struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (d *dice) throw() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.random.Float64()
}

// Key maps the request's value named by "header:NAME", "cookie:NAME" or "query:NAME" to a
// number in [0,1): the same value gives the same number on every machine, and raising the rate only
// adds clients. Salts choose independently of each other. It is false when there is no value.
func Key(salt, by string, r *assay.Request) (float64, bool) {
	value := requestValue(by, r)
	if value == "" {
		return 0, false
	}
	return float64(hash64(salt+"\x00"+value)>>11) / (1 << 53), true
}

func requestValue(by string, r *assay.Request) string {
	kind, name, _ := strings.Cut(by, ":")
	switch kind {
	case "header":
		return r.Header.Get(name)
	case "cookie":
		req := http.Request{Header: http.Header(r.Header)}
		if c, err := req.Cookie(name); err == nil {
			return c.Value
		}
	case "query":
		// A malformed part of the query leaves the others readable.
		values, _ := url.ParseQuery(r.Query)
		return values.Get(name)
	}
	return ""
}

func hash64(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint64(sum[:])
}
