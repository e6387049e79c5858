package gateway_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

// curious is a ticket that wants to know everything there is to know of how its client was served.
type curious struct {
	*ticket
	want bool // what the status decides

	mu     sync.Mutex
	status []int
	copied int
	served chan time.Duration
}

func (c *curious) Decide(status int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = append(c.status, status)
	return c.want
}

func (c *curious) Reserve(n, size int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copied += n
	return c.ticket.Reserve(n, size)
}

func (c *curious) Served(took time.Duration, control *assay.Observation) {
	if control.Status == 503 {
		c.served <- took
	}
}

type curiousLane struct{ ticket *curious }

func (l curiousLane) Choose(*assay.Request) assay.Ticket { return l.ticket }

// TestTicketsAreTold the status before anything of the answer is copied, and how long the client was served, whoever
// serves it.
func TestTicketsAreTold(t *testing.T) {
	upstream := service(t, listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(503)
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
	})))
	function := assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
		return &assay.Observation{Status: 503, Body: []byte(strings.Repeat("x", 5000)), BodySize: 5000}, nil
	})
	browser := &http.Client{Transport: client(t)}
	for name, c := range map[string]struct {
		by      front
		control assay.Invoker
	}{"relayed": {relay, upstream}, "streamed": {byNetHTTP, upstream}, "function": {relay, function}} {
		for _, want := range []bool{true, false} {
			if name == "function" && !want {
				continue // its lane decides at the offer
			}
			ticket := &curious{ticket: &ticket{room: 1 << 20, ended: make(chan struct{})}, want: want, served: make(chan time.Duration, 2)}
			answer, err := browser.Get("http://" + serveBy(t, c.by, c.control, curiousLane{ticket}) + "/a")
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != 503 || len(body) != 5000 {
				t.Errorf("%s: the client got %d with %d bytes", name, answer.StatusCode, len(body))
			}
			if took := <-ticket.served; took < 0 {
				t.Errorf("%s: served in %s", name, took)
			}
			if want {
				<-ticket.ended
			}
			ticket.mu.Lock()
			if name != "function" && (len(ticket.status) != 1 || ticket.status[0] != 503) || (ticket.copied > 0) != want || (ticket.inv != nil) != want {
				t.Errorf("%s, wanted %t: told %v, copied %d bytes, offered %t", name, want, ticket.status, ticket.copied, ticket.inv != nil)
			}
			ticket.mu.Unlock()
		}
	}
}
