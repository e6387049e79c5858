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

// TestSlowClients: who never ends a head is cut off at each address, who stops in the middle of a body at those
// that do not stream; a head without end is refused. Everybody else is served meanwhile.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	control := serveText(t, "control")
	dir := t.TempDir()
	l := startLab(t, dir+"/data", "-f", write(t, dir+"/assay.yaml", fmt.Sprintf("experiments:\n  e: {path: e, control: {url: %q}}\n", control.URL)))
	for name, address := range map[string]string{"gateway": strings.TrimPrefix(l.gateway, "http://"), "console": l.console, "aws": strings.TrimPrefix(l.aws, "http://")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			slow := []net.Conn{begin(t, address, "GET /e HTTP/1.1\r\nHost: localhost\r\nX: ")}
			if name != "gateway" {
				path := map[string]string{"console": "/api/v1/apply", "aws": "/2015-03-31/functions"}[name]
				slow = append(slow, begin(t, address, "POST "+path+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"))
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

// TestRoom: as many connections are taken as there is room for, and the next when one closes.
func TestRoom(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newRoomy(inner, 2)
	taken := make(chan net.Conn, 3)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken <- c
		}
	}()
	for range 3 {
		begin(t, inner.Addr().String(), "x")
	}
	first, second := <-taken, <-taken
	select {
	case <-taken:
		t.Error("a third is taken where there is room for two")
	case <-time.After(50 * time.Millisecond):
	}
	first.Close()
	first.Close() // twice gives one place back
	third := <-taken
	third.Close()
	second.Close()
	l.Close()
	<-ended
}
