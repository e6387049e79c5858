package cli

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// What clients of the console and of AWS's address may take. The gateway's are the control's affair: they stream.
const (
	maxClients   = 1024             // connections at once; more wait to be taken
	bodyPatience = 15 * time.Second // without a byte of a body whose length was told
)

// roomy takes as many connections at once as there is room for.
type roomy struct {
	net.Listener
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newRoomy(l net.Listener, room int) *roomy {
	return &roomy{Listener: l, room: make(chan struct{}, room), closed: make(chan struct{})}
}

// Accept waits for room first.
func (l *roomy) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &guest{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

func (l *roomy) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// guest gives its room back when it closes.
type guest struct {
	net.Conn
	leave func()
}

func (g *guest) Close() error {
	defer g.leave()
	return g.Conn.Close()
}

// impatient cuts off clients that stop sending a body whose length they told. Streams may pause.
func impatient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 0 {
			r.Body = &timedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
		}
		next.ServeHTTP(w, r)
	})
}

// timedBody gives each read its time, and what follows the body all it wants.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(bodyPatience)) // where it cannot be set, there is none
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
