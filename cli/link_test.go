package cli

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// working is what a link is when no fault is brought about.
const working = "back again"

// slowness is what a slow link takes for each piece.
const slowness = 150 * time.Millisecond

// link is a way to a service, which fails as it is told: in front of what cannot be told to fail itself.
type link struct {
	t       *testing.T
	address string // where it listens
	service string

	mu       sync.Mutex
	fault    string
	changed  chan struct{} // closed when the fault changes
	listener net.Listener  // nil while it refuses
	conns    map[net.Conn]struct{}
	running  sync.WaitGroup
}

func newLink(t *testing.T, service string) *link {
	t.Helper()
	l := &link{t: t, service: service, fault: working, changed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	l.listen("127.0.0.1:0")
	l.address = l.listener.Addr().String()
	t.Cleanup(func() { l.fail("refused"); l.running.Wait() })
	return l
}

func (l *link) listen(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		l.t.Error(err)
		return
	}
	l.listener = listener
	l.running.Go(func() { l.accept(listener) })
}

// fail changes how the link is: "slow", "hung" (connections stay, nothing passes), "refused" (none are taken),
// "killed" (each is reset when something passes), or working.
func (l *link) fail(fault string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.fault, l.changed = fault, make(chan struct{})
	if fault == "refused" && l.listener != nil {
		l.listener.Close()
		l.listener = nil
	} else if fault != "refused" && l.listener == nil {
		l.listen(l.address)
	}
	if fault == "refused" || fault == "killed" {
		for c := range l.conns {
			reset(c)
		}
	}
}

func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

func (l *link) now() (fault string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault, l.changed
}

func (l *link) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		service, err := net.Dial("tcp", l.service)
		if err != nil {
			reset(client)
			continue
		}
		l.hold(client, service)
		l.running.Go(func() { l.pass(client, service) })
		l.running.Go(func() { l.pass(service, client) })
	}
}

func (l *link) hold(both ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range both {
		l.conns[c] = struct{}{}
	}
}

func (l *link) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
	c.Close()
}

// pass copies one way, in pieces, as the link is at the time of each.
func (l *link) pass(from, to net.Conn) {
	defer l.drop(from)
	defer l.drop(to)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !l.ready() {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil && err != io.EOF {
			return
		}
	}
}

// ready waits as long as a piece has to, and tells whether it may pass.
func (l *link) ready() bool {
	for {
		fault, changed := l.now()
		switch fault {
		case "slow":
			time.Sleep(slowness)
			return true
		case "hung":
			<-changed
		case working:
			return true
		default:
			return false
		}
	}
}
