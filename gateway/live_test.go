package gateway_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/remote/plainhttp"
)

// Tables change all the time; no request fails, and each is served by one of the controls.
func TestSetUnderLoad(t *testing.T) {
	g := gateway.New(gateway.Options{})
	one, two := returns(&assay.Observation{Status: 200, Body: []byte("1")}, nil), service(t, raw(t, respond))
	l := &lane{}
	tables := [][]gateway.Route{
		{{Experiment: "a", Path: "/*", Control: one}},
		{{Experiment: "a", Path: "/*", Control: two, Lane: l}, {Experiment: "b", Path: "/other", Control: one}},
		{{Experiment: "c", Path: "/{x}", Control: two}},
		{{Experiment: "c", Path: "/404", Control: one, Lane: l}},
	}
	set(t, g, tables[0]...)
	address, c := listen(t, g), client(t)

	var stop atomic.Bool
	var changing, asking sync.WaitGroup
	changing.Go(func() {
		for i := 0; !stop.Load(); i++ {
			if err := g.Set(tables[i%len(tables)]); err != nil {
				t.Error(err)
			}
			if err := g.Set([]gateway.Route{{Path: "{"}}); err == nil {
				t.Error("a bad table was taken")
			}
		}
	})
	for range 4 {
		asking.Go(func() {
			for range 250 {
				if got := (request{method: "GET", target: "/404"}).to(t, c, address); got.Body != "1" && got.Body != "{}" {
					t.Errorf("got %+v", got)
				}
			}
		})
	}
	asking.Wait()
	stop.Store(true)
	changing.Wait()
	for _, k := range l.tickets {
		<-k.ended
	}
}

// pipes is a network in memory, for fake time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// serve runs a server on the network until stop is called.
func (p *pipes) serve(h http.Handler) (stop func()) {
	s := &http.Server{Handler: h, ErrorLog: quiet}
	var running sync.WaitGroup
	running.Go(func() { _ = s.Serve(p) })
	return func() { s.Close(); running.Wait() }
}

// aside calls a candidate for every offer, as the lane of a laboratory does.
type aside struct {
	lane
	call func(context.Context)
	ctx  context.Context
	busy sync.WaitGroup
}

type asideTicket struct {
	assay.Ticket
	lane *aside
}

func (l *aside) Choose(r *assay.Request) assay.Ticket { return asideTicket{l.lane.Choose(r), l} }

func (t asideTicket) Offer(inv *assay.Invocation, o *assay.Observation) {
	t.Ticket.Offer(inv, o)
	t.lane.busy.Go(func() { t.lane.call(t.lane.ctx) })
}

// In fake time the client's latency is the control's to the nanosecond, whatever a candidate does.
func TestLatencyIsTheControls(t *testing.T) {
	const think = 2 * time.Millisecond
	for name, call := range map[string]func(context.Context){
		"fast":  func(context.Context) {},
		"1 s":   func(ctx context.Context) { wait(ctx, time.Second) },
		"hangs": func(ctx context.Context) { <-ctx.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				upstream, front := newPipes(), newPipes()
				stopUpstream := upstream.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					time.Sleep(think)
					_, _ = w.Write(body)
				}))
				control, err := plainhttp.New("http://upstream", plainhttp.Options{Dial: upstream.Dial})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				l := &aside{call: call, ctx: ctx}
				g := gateway.New(gateway.Options{})
				set(t, g, gateway.Route{Path: "/", Control: control, Lane: l})
				stopFront := front.serve(g)
				c := &http.Transport{DialContext: front.Dial}

				for range 50 {
					began := time.Now()
					res, err := c.RoundTrip(newRequest(t, "POST", "http://front/", strings.NewReader("some work")))
					if err != nil {
						t.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
					if took := time.Since(began); took != think {
						t.Errorf("the client waited %v", took)
					}
					if o := l.last(t).control; o.Duration != think {
						t.Errorf("the control was seen to take %v", o.Duration)
					}
				}
				cancel()
				c.CloseIdleConnections()
				control.Close()
				stopFront()
				stopUpstream()
				l.busy.Wait()
			})
		})
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// 1 kB of JSON through a bare ReverseProxy and through the gateway, by net/http alone and relayed in bytes,
// nothing and everything sampled, in turns.
//
// What profiles of the relay under load (32 connections, two processors) told:
//   - Four fifths of its time are system calls, and of that three quarters are the two writes: they carry the
//     packet through the kernel to the other side and wake it. So there are five calls an exchange, as nginx has:
//     two reads, two writes, and a look at the service's idle connection before it is used again.
//   - The read of a service's answer used to find nothing, and to wait then. Now the runtime is told to look for
//     news before the request is written (wire's ask), and the first read comes when there is something to read.
//   - Reading and writing heads, finding the route and asking the lane take 2 to 3 of 20 µs; of these asking
//     the lane costs most, because it is shown the request's fields in a map.
//   - A goroutine with a timer for each client that waits costs more than one that looks after all of them four
//     times a second.
//   - Of an exchange that is sampled, compared and kept, the store takes a third, the relay a quarter, and the
//     candidate's call a fifth: two fifths when net/http makes it, with two more goroutines woken each time.
//   - Long bodies: one copy of the right size, asked for at the beginning, instead of one that grows, halves the
//     time of an 8 MB POST that is mirrored. A limit on the heap (cli) keeps what is collected later from adding up.
func BenchmarkAgainstReverseProxy(b *testing.B) {
	answer := []byte(`{"items":"` + strings.Repeat("x", 1000) + `"}`)
	upstream := listen(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
	target := &url.URL{Scheme: "http", Host: upstream}
	bare := &httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() },
		Transport: client(b),
	}
	proxies := []struct{ name, address string }{
		{"bare", listen(b, bare)},
		{"nethttp", serveBy(b, byNetHTTP, service(b, upstream), nothing{})},
		{"unsampled", serve(b, service(b, upstream), nothing{})},
		{"sampled", serve(b, service(b, upstream), everything{})},
	}
	c := client(b)
	took := make([]time.Duration, len(proxies))
	for b.Loop() {
		for i, p := range proxies {
			began := time.Now()
			if err := fetch(c, p.address); err != nil {
				b.Fatal(err)
			}
			took[i] += time.Since(began)
		}
	}
	for i, p := range proxies {
		b.ReportMetric(float64(took[i].Nanoseconds())/float64(b.N), p.name+"-ns")
		b.ReportMetric(float64(took[i])/float64(took[0]), p.name+"/bare")
	}
}

func fetch(c *http.Transport, address string) error {
	r, err := http.NewRequest("GET", "http://"+address+"/", nil)
	if err != nil {
		return err
	}
	res, err := c.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

type nothing struct{}

func (nothing) Choose(*assay.Request) assay.Ticket { return nil }

type everything struct{}

func (everything) Choose(*assay.Request) assay.Ticket          { return everything{} }
func (everything) Reserve(int, int) bool                       { return true }
func (everything) Offer(*assay.Invocation, *assay.Observation) {}
func (everything) Drop(string)                                 {}
