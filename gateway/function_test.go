package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/wire/wiretest"
)

// echo is a function that returns the body it is given.
var echo = assay.InvokerFunc(func(_ context.Context, inv *assay.Invocation) (*assay.Observation, error) {
	return &assay.Observation{Status: 200, Body: inv.Request.Body, BodySize: int64(len(inv.Request.Body))}, nil
})

func returns(o *assay.Observation, err error) assay.Invoker {
	return assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) { return o, err })
}

func TestFunctionAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		o      *assay.Observation
		err    error
		want   string // status, fields, body
	}{
		"fields": {
			o: &assay.Observation{Status: 201, Body: []byte("<html>"), Header: assay.Header{
				"Set-Cookie": {"a=1", "b=2"}, "Connection": {"X-Hop"}, "X-Hop": {"1"}, "Content-Length": {"99"},
				"Transfer-Encoding": {"chunked"},
			}},
			want: `201 map[Content-Length:[6] Set-Cookie:[a=1 b=2]] "<html>"`,
		},
		"a broken field": {
			o:    &assay.Observation{Status: 200, Header: assay.Header{"X-A": {"1\r\nX-B: 2"}, "bad name": {"1"}}},
			want: `200 map[Content-Length:[0] X-A:[1  X-B: 2]] ""`,
		},
		"head": {
			method: "HEAD", o: &assay.Observation{Status: 200, Body: []byte("whole")},
			want: `200 map[Content-Length:[5]] ""`,
		},
		"head by itself": {
			method: "HEAD", o: &assay.Observation{Status: 200, Header: assay.Header{"Content-Length": {"7"}}},
			want: `200 map[Content-Length:[7]] ""`,
		},
		"no content":   {o: &assay.Observation{Status: 204, Body: []byte("x")}, want: `204 map[] ""`},
		"not modified": {o: &assay.Observation{Status: 304, Header: assay.Header{"Etag": {"1"}}}, want: `304 map[Etag:[1]] ""`},
		"function error": {
			o:    &assay.Observation{Status: 500, Body: []byte("{}"), Fault: &assay.Fault{Kind: assay.FaultFunction}},
			want: `500 map[Content-Length:[2]] "{}"`,
		},
		"fault without status": {
			o:    &assay.Observation{Fault: &assay.Fault{Kind: assay.FaultCrash}},
			want: `502 map[Content-Length:[25] Content-Type:[application/json]] "{\"message\":\"Bad Gateway\"}"`,
		},
		"time-out": {
			o:    &assay.Observation{Fault: &assay.Fault{Kind: assay.FaultTimeout}},
			want: `504 map[Content-Length:[29] Content-Type:[application/json]] "{\"message\":\"Gateway Timeout\"}"`,
		},
		"no status at all": {
			o:    &assay.Observation{Status: 42},
			want: `502 map[Content-Length:[25] Content-Type:[application/json]] "{\"message\":\"Bad Gateway\"}"`,
		},
		"engine error": {
			err:  errors.New("no engine"),
			want: `502 map[Content-Length:[25] Content-Type:[application/json]] "{\"message\":\"Bad Gateway\"}"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := &lane{}
			address := serve(t, returns(c.o, c.err), l)
			res, err := client(t).RoundTrip(newRequest(t, c.method, "http://"+address+"/", nil))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			res.Header.Del("Date")
			if got := fmt.Sprintf("%d %v %q", res.StatusCode, res.Header, body); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			k := l.last(t)
			if c.err != nil {
				if k.reason != gateway.DropControlError {
					t.Errorf("dropped %q", k.reason)
				}
				return
			}
			if k.control == c.o || k.control.Status != c.o.Status || k.control.Role != assay.RoleControl || k.control.Arm != "control" {
				t.Errorf("observed %+v", k.control)
			}
		})
	}
}

func TestFunctionBodies(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		hidden bool // send it without its length
		room   int
		status int
		reason string
	}{
		"fits":             {body: strings.Repeat("x", 1000), room: 2000, status: 200},
		"chunked":          {body: strings.Repeat("x", 1000), hidden: true, room: 2000, status: 200},
		"too long":         {body: strings.Repeat("x", 1001), room: 5000, status: 413, reason: gateway.DropTooLarge},
		"too long, hidden": {body: strings.Repeat("x", 1001), hidden: true, room: 5000, status: 413, reason: gateway.DropTooLarge},
		"no room for it":   {body: strings.Repeat("x", 1000), room: 999, status: 200, reason: "too_large"},
		"none for answer":  {body: strings.Repeat("x", 1000), room: 1999, status: 200, reason: "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &lane{room: func(int) int { return c.room }}
			g := gateway.New(gateway.Options{})
			set(t, g, gateway.Route{Path: "/", Control: echo, Lane: l, MaxBody: 1000})
			r := newRequest(t, "POST", "http://"+listen(t, g)+"/", strings.NewReader(c.body))
			if c.hidden {
				r.ContentLength = -1
			}
			res, err := client(t).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			want := c.body
			if c.status == 413 {
				want = `{"message":"Request Too Long"}`
			}
			if body, _ := io.ReadAll(res.Body); res.StatusCode != c.status || string(body) != want {
				t.Errorf("got %d, %d bytes: %.50s", res.StatusCode, len(body), body)
			}
			k := l.last(t)
			if k.reason != c.reason {
				t.Errorf("dropped %q, want %q", k.reason, c.reason)
			}
			if c.reason == "" && (string(k.inv.Request.Body) != c.body || k.reserved != 2000) {
				t.Errorf("offered %d bytes, reserved %d", len(k.inv.Request.Body), k.reserved)
			}
		})
	}
}

// A function runs on, and is observed, when the client has gone; one whose request never came whole is
// not run.
func TestFunctionOutlivesClient(t *testing.T) {
	running, gone := make(chan struct{}), make(chan struct{})
	function := assay.InvokerFunc(func(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
		close(running)
		<-gone
		return &assay.Observation{Status: 200, Body: []byte("done")}, ctx.Err()
	})
	l := &lane{}
	g := gateway.New(gateway.Options{})
	set(t, g, gateway.Route{Path: "/", Control: function, Lane: l})
	conn, _ := wiretest.Dial(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() { <-r.Context().Done(); close(gone) }()
		g.ServeHTTP(w, r)
	})))
	wiretest.Send(t, conn, "GET / HTTP/1.1", "Host: x", "", "")
	<-running
	conn.Close()
	if k := l.last(t); k.control == nil || string(k.control.Body) != "done" {
		t.Errorf("dropped %q", k.reason)
	}

	l = &lane{}
	conn, in := wiretest.Dial(t, serve(t, function, l))
	wiretest.Send(t, conn, "POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "", "no size", "")
	if res, err := http.ReadResponse(in, nil); err != nil || res.StatusCode != 400 {
		t.Errorf("got %+v, %v", res, err)
	}
	if k := l.last(t); k.reason != gateway.DropClientGone {
		t.Errorf("dropped %q", k.reason)
	}
}

func TestNoRoute(t *testing.T) {
	routes := []gateway.Route{
		{Experiment: "rounding", Path: "round", Methods: []string{"GET", "POST"}, Control: echo},
		{Experiment: "users", Path: "/users/{id}", Control: echo},
	}
	for name, c := range map[string]struct {
		options gateway.Options
		method  string
		path    string
		want    string
	}{
		"plain": {path: "/x", want: `404 "" {"message":"Not Found"}`},
		"development": {options: gateway.Options{Development: true}, path: "/x",
			want: `404 "" {"message":"Not Found","routes":[{"methods":["GET","POST"],"path":"/round","experiment":"rounding"},` +
				`{"path":"/users/{id}","experiment":"users"}]}`},
		"method":     {method: "DELETE", path: "/round", want: `405 "GET, HEAD, POST" {"message":"Method Not Allowed"}`},
		"any method": {method: "BREW", path: "/users/1", want: `200 "" `},
	} {
		t.Run(name, func(t *testing.T) {
			g := gateway.New(c.options)
			set(t, g, routes...)
			res, err := client(t).RoundTrip(newRequest(t, c.method, "http://"+listen(t, g)+c.path, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if got := fmt.Sprintf("%d %q %s", res.StatusCode, res.Header.Get("Allow"), body); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
