package cli

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowClients: who never ends a head, or a body in whatever framing, is cut off at each address; a head without end
// is refused. Everybody else is served meanwhile.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	control := serveText(t, "control")
	dir := t.TempDir()
	l := startLab(t, dir+"/data", "--client-patience", "2s", "-f", write(t, dir+"/assay.yaml", fmt.Sprintf("experiments:\n  e: {path: e, control: {url: %q}}\n", control.URL)))
	for name, address := range map[string]string{"gateway": strings.TrimPrefix(l.gateway, "http://"), "console": l.console, "aws": strings.TrimPrefix(l.aws, "http://")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := map[string]string{"gateway": "/e", "console": "/api/v1/apply", "aws": "/2015-03-31/functions"}[name]
			slow := []net.Conn{
				begin(t, address, "GET /e HTTP/1.1\r\nHost: localhost\r\nX: "),
				begin(t, address, "POST "+path+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"),
				begin(t, address, "POST "+path+" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"),
			}
			refusesLongHead(t, address)
			if got, err := send(t.Context(), "GET", "http://"+address+"/", nil, nil); err != nil || got.status == 0 {
				t.Errorf("others are not served: %v", err)
			}
			for _, c := range slow {
				c.SetReadDeadline(time.Now().Add(time.Minute))
				if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
					t.Errorf("a slow client is still connected after a minute")
				}
			}
		})
	}
}

func begin(t *testing.T, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	io.WriteString(c, text)
	return c
}

func refusesLongHead(t *testing.T, address string) {
	t.Helper()
	c := begin(t, address, "GET /e HTTP/1.1\r\nHost: localhost\r\n")
	c.SetDeadline(time.Now().Add(30 * time.Second))
	for range 4 << 10 { // 4 MB, unless it is refused before
		if _, err := io.WriteString(c, "X: "+strings.Repeat("x", 1<<10)+"\r\n"); err != nil {
			return
		}
	}
	answer := make([]byte, 64)
	n, _ := c.Read(answer)
	if want := fmt.Sprint(http.StatusRequestHeaderFieldsTooLarge); n > 0 && !strings.Contains(string(answer[:n]), want) {
		t.Errorf("a head of 4 MB is answered with %q", answer[:n])
	}
}

// TestRoom: others are refused when as many clients are connected to the gateway as may be, and metrics tell of them.
func TestRoom(t *testing.T) {
	t.Parallel()
	l := startLab(t, t.TempDir(), "--clients", "1")
	first := begin(t, strings.TrimPrefix(l.gateway, "http://"), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answer := make([]byte, len("HTTP/1.1 404"))
	first.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(first, answer); string(answer) != "HTTP/1.1 404" {
		t.Fatalf("the first is answered %q, %v", answer, err)
	}
	if got, err := send(t.Context(), "GET", l.gateway+"/", nil, nil); err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("the second is answered %+v, %v", got, err)
	}
	got, err := send(t.Context(), "GET", "http://"+l.console+"/metrics", nil, nil)
	for _, line := range []string{`assay_clients{address="gateway"} 1`, `assay_clients_refused_total{address="gateway"} 1`} {
		if err != nil || !strings.Contains(string(got.body), line+"\n") {
			t.Errorf("no %s in the metrics, %v", line, err)
		}
	}
}
