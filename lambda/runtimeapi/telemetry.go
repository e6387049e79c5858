package runtimeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// telemetry is what the environment tells its subscribers. The server's lock guards it.
type telemetry struct {
	context     context.Context // of the deliveries
	subscribers []*subscriber
	backlog     []event // of init, for those who subscribe while it lasts
	size        int     // bytes in backlog
}

// maxBacklog is what is kept of init's events, in bytes; later ones are dropped.
const maxBacklog = 256 << 10

// event is one piece of telemetry: as it is sent, and what it is.
type event struct {
	kind string // "platform.start", "function", "extension"
	text []byte // JSON
}

func (t *telemetry) add(e event, open bool) {
	if open && t.size+len(e.text) <= maxBacklog {
		t.backlog = append(t.backlog, e)
		t.size += len(e.text)
	}
	for _, sub := range t.subscribers {
		sub.add(e)
	}
}

func (t *telemetry) close() { t.backlog, t.size = nil, 0 }

// Emit tells the subscribers of a platform event, such as "platform.start". The record must marshal.
func (s *Server) Emit(kind string, record any) {
	if !s.listening.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(kind, record)
}

// Log tells the subscribers of a line of log: kind is "function" or "extension".
func (s *Server) Log(kind string, line []byte) {
	if s.listening.Load() {
		s.Emit(kind, strings.TrimSuffix(string(line), "\n"))
	}
}

// emit is Emit with the lock held.
func (s *Server) emit(kind string, record any) {
	s.telemetry.add(newEvent(s.config.Now(), kind, record), s.open)
}

// timestamp is how times are written.
const timestamp = "2006-01-02T15:04:05.000Z"

func newEvent(now time.Time, kind string, record any) event {
	text, _ := json.Marshal(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{now.UTC().Format(timestamp), kind, record})
	return event{kind, text}
}

// subscription is the body of a request to subscribe.
type subscription struct {
	Schema      string    `json:"schemaVersion"`
	Types       []string  `json:"types"`
	Destination target    `json:"destination"`
	Buffering   buffering `json:"buffering"`
}

// target is where telemetry is sent.
type target struct {
	Protocol string `json:"protocol"` // "HTTP" or "TCP"
	URI      string `json:"URI"`      // of HTTP: http://sandbox.localdomain:PORT/path
	Port     int    `json:"port"`     // of TCP
	Method   string `json:"method"`   // of HTTP, in the Logs API: "POST" or "PUT"
	Encoding string `json:"encoding"`
}

// buffering says how much telemetry is gathered, and how long, before it is sent.
type buffering struct {
	MaxItems  int `json:"maxItems"`
	MaxBytes  int `json:"maxBytes"`
	TimeoutMS int `json:"timeoutMs"`
}

// limits of the fields of buffering: default, least, most.
var (
	itemsLimits   = [3]int{10000, 1000, 10000}
	bytesLimits   = [3]int{256 << 10, 256 << 10, 1 << 20}
	timeoutLimits = [3]int{1000, 25, 30000}
)

func (b *buffering) complete() error {
	for _, field := range []struct {
		name   string
		value  *int
		limits [3]int
	}{
		{"maxItems", &b.MaxItems, itemsLimits},
		{"maxBytes", &b.MaxBytes, bytesLimits},
		{"timeoutMs", &b.TimeoutMS, timeoutLimits},
	} {
		if *field.value == 0 {
			*field.value = field.limits[0]
		}
		if v := *field.value; v < field.limits[1] || v > field.limits[2] {
			return fmt.Errorf("buffering.%s: %d is not between %d and %d", field.name, v, field.limits[1], field.limits[2])
		}
	}
	return nil
}

// complete checks a target, and finds its port.
func (t *target) complete() error {
	switch t.Protocol {
	case "TCP":
	case "HTTP":
		u, err := url.Parse(t.URI)
		if err != nil {
			return fmt.Errorf("destination.URI: %w", err)
		}
		if u.Scheme != "http" || u.Hostname() != "sandbox.localdomain" && u.Hostname() != "sandbox" {
			return fmt.Errorf("destination.URI: %q is not http://sandbox.localdomain:PORT", t.URI)
		}
		t.Port, _ = strconv.Atoi(u.Port())
		if u.Port() == "" {
			t.Port = 80
		}
	default:
		return fmt.Errorf("destination.protocol: %q is not HTTP or TCP", t.Protocol)
	}
	if t.Port < 1 || t.Port > 65535 {
		return fmt.Errorf("destination: port %d is not between 1 and 65535", t.Port)
	}
	if t.Method == "" {
		t.Method = http.MethodPost
	}
	if t.Method != http.MethodPost && t.Method != http.MethodPut {
		return fmt.Errorf("destination.method: %q is not POST or PUT", t.Method)
	}
	return nil
}

// dialect is what tells the Telemetry API from the Logs API.
type dialect struct {
	name    string // of its events
	closed  string // the type of the error when init is over
	schemas []string
	types   []string
	kinds   []string // of the platform events that it has; nil for all but platform.end
}

var (
	telemetryDialect = dialect{
		name: "telemetry", closed: "Telemetry.SubscriptionClosed",
		schemas: []string{"2022-07-01", "2022-12-13", "2025-01-29"}, types: []string{"platform", "function", "extension"},
	}
	logsDialect = dialect{
		name: "logs", closed: "Logs.SubscriptionClosed",
		schemas: []string{"2020-08-15", "2021-03-18"}, types: []string{"platform", "function", "extension"},
		kinds: []string{
			"platform.start", "platform.end", "platform.report", "platform.runtimeDone", "platform.extension",
			"platform.logsSubscription", "platform.logsDropped", "platform.fault",
		},
	}
)

// wants tells whether an event belongs to a dialect.
func (d *dialect) wants(kind string) bool {
	switch {
	case !strings.HasPrefix(kind, "platform."):
		return true
	case d.kinds == nil:
		return kind != "platform.end" && kind != "platform.fault" && kind != "platform.logsSubscription"
	}
	return slices.Contains(d.kinds, kind)
}

func (d *dialect) check(sub *subscription) error {
	switch {
	case !slices.Contains(d.schemas, sub.Schema) && !(d == &logsDialect && sub.Schema == ""):
		return fmt.Errorf("schemaVersion: %q is not one of %s", sub.Schema, strings.Join(d.schemas, ", "))
	case len(sub.Types) == 0:
		return fmt.Errorf("types: there must be one of %s", strings.Join(d.types, ", "))
	}
	for _, t := range sub.Types {
		if !slices.Contains(d.types, t) {
			return fmt.Errorf("types: %q is not one of %s", t, strings.Join(d.types, ", "))
		}
	}
	if err := sub.Destination.complete(); err != nil {
		return err
	}
	return sub.Buffering.complete()
}

func (s *Server) handleTelemetry(w http.ResponseWriter, r *http.Request, x *extension) {
	s.subscribe(w, r, x, &telemetryDialect)
}

func (s *Server) handleLogs(w http.ResponseWriter, r *http.Request, x *extension) {
	s.subscribe(w, r, x, &logsDialect)
}

// subscribe takes a subscription. A second one of the same extension replaces the first.
func (s *Server) subscribe(w http.ResponseWriter, r *http.Request, x *extension, d *dialect) {
	var body subscription
	err := json.NewDecoder(io.LimitReader(r.Body, maxControl)).Decode(&body)
	if err == nil {
		err = d.check(&body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.open:
		refuse(w, http.StatusForbidden, d.closed, strings.Replace(d.closed, ".SubscriptionClosed", " API subscription is closed", 1))
	case err != nil:
		refuse(w, http.StatusBadRequest, "ValidationError", err.Error())
	default:
		s.addSubscriber(x, d, body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `"OK"`)
	}
}

// addSubscriber lets a new subscriber have what was told so far, and what will be. The lock is held.
func (s *Server) addSubscriber(x *extension, d *dialect, body subscription) {
	s.telemetry.subscribers = slices.DeleteFunc(s.telemetry.subscribers, func(old *subscriber) bool {
		same := old.owner == x.id && old.dialect == d
		if same {
			old.cancel()
		}
		return same
	})
	sub := newSubscriber(s.telemetry.context, x.id, d, body, s.config)
	s.telemetry.subscribers = append(s.telemetry.subscribers, sub)
	for _, e := range s.telemetry.backlog {
		sub.add(e)
	}
	s.delivery.Go(sub.run)
	s.emit("platform."+d.name+"Subscription", struct {
		Name  string   `json:"name"`
		State string   `json:"state"`
		Types []string `json:"types"`
	}{x.name, "Subscribed", body.Types})
}
