package main

import (
	"io"
	"net"
	"net/http"
	"time"
)

// origin is the services that nginx cannot be: one that takes its time, one that reads what it is sent,
// and candidates that fail.
type origin struct {
	address string // /NAME/paced after 2 ms, /NAME/sink after the body, /slow/... after 1 s
	hung    string // accepts connections, and never answers
	down    string // refuses connections
	server  *http.Server
	silent  net.Listener
	ended   chan struct{}
}

func newOrigin() (*origin, error) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		open.Close()
		return nil, err
	}
	free, err := freePorts(1)
	if err != nil {
		open.Close()
		silent.Close()
		return nil, err
	}
	o := &origin{
		address: open.Addr().String(), hung: silent.Addr().String(), down: free[0],
		silent: silent, ended: make(chan struct{}),
	}
	o.server = &http.Server{Handler: services()}
	go o.server.Serve(open)
	go o.hold()
	return o, nil
}

func services() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/{any}/paced", after(2*time.Millisecond))
	mux.Handle("/slow/{any}/paced", after(time.Second))
	mux.HandleFunc("/{any}/sink", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// after answers 1 kB of JSON when the time is over.
func after(d time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, answerKB)
		case <-r.Context().Done():
		}
	}
}

// hold keeps every connection open and reads nothing, until the listener closes.
func (o *origin) hold() {
	defer close(o.ended)
	var held []net.Conn
	for {
		c, err := o.silent.Accept()
		if err != nil {
			break
		}
		held = append(held, c)
	}
	for _, c := range held {
		c.Close()
	}
}

func (o *origin) close() {
	o.server.Close()
	o.silent.Close()
	<-o.ended
}
