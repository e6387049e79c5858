package serve

import (
	"testing"
	"time"
)

func TestLimitsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"2GB": 2 << 30, "1.5mb": 3 << 19, "0GB": 0, "GB": 0, "-1GB": 0, "2": 0, "1e300TB": 0} {
		var b byteSize
		if err := b.Set(text); int64(b) != want || (err == nil) != (want > 0) {
			t.Errorf("%s is %d, %v; want %d", text, b, err, want)
		}
	}
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "12h": 12 * time.Hour, "0d": 0, "d": 0, "-1h": 0, "x": 0, "99999999d": 0} {
		var d days
		if err := d.Set(text); time.Duration(d) != want || (err == nil) != (want > 0) {
			t.Errorf("%s is %v, %v; want %v", text, time.Duration(d), err, want)
		}
	}
}
