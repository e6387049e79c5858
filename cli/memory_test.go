package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestQuietLaboratoryIsSmall: the collector lets the heap grow for the sake of traffic alone.
func TestQuietLaboratoryIsSmall(t *testing.T) {
	t.Parallel()
	const idle, busy = 100, 400 // percent
	l := startLab(t, t.TempDir())
	grows := func(percent int) {
		t.Helper()
		eventually(t, time.Minute, func() error {
			got, err := send(t.Context(), "GET", "http://"+l.console+"/metrics", nil, nil)
			if err == nil && !strings.Contains(string(got.body), fmt.Sprintf("\ngo_gc_gogc_percent %d\n", percent)) {
				err = fmt.Errorf("the heap does not grow by %d %%", percent)
			}
			return err
		})
	}
	grows(idle)
	client := begin(t, strings.TrimPrefix(l.gateway, "http://"), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	grows(busy)
	client.Close()
	grows(idle)
}
