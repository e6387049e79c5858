package plainhttp_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/remote/plainhttp"
)

// TestRoomIsAskedForBeforeItIsTaken: a service cannot make its caller hold more than there is room for, however
// it answers and however large the request is.
func TestRoomIsAskedForBeforeItIsTaken(t *testing.T) {
	const most = 100 << 10
	large := strings.Repeat("x", 1<<20)
	for name, answer := range map[string]string{
		"a length":           fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(large), large),
		"a length alone":     "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n",
		"chunks":             fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(large), large),
		"until it hangs up":  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + large,
		"a small one, whole": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
	} {
		for _, body := range []int{0, 100 << 10} { // by the wire, and by net/http
			t.Run(fmt.Sprint(name, " ", body), func(t *testing.T) {
				s := service(t, "http://"+answering(t, answer), plainhttp.Options{})
				var taken, refused atomic.Int64
				ctx := assay.WithRoom(t.Context(), func(n int) bool {
					if taken.Load()+int64(n) > most {
						refused.Add(1)
						return false
					}
					taken.Add(int64(n))
					return true
				})
				inv := invocation("POST", "/")
				inv.Request.Body = make([]byte, body)
				o, err := s.Invoke(ctx, inv)
				if err != nil {
					t.Fatal(err)
				}
				small := strings.HasPrefix(name, "a small")
				ended := strings.HasSuffix(name, "alone") // what net/http reads of it takes no more room than it has
				if small != (o.Fault == nil) || !small && !ended && refused.Load() == 0 || int64(cap(o.Body)) > taken.Load() {
					t.Errorf("holds %d bytes, asked for %d, refused %d times: %+v", cap(o.Body), taken.Load(), refused.Load(), o.Fault)
				}
			})
		}
	}
}
