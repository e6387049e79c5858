package runtimeapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// subscriber gathers telemetry for one subscription, and sends it from a goroutine of its own, run.
// What does not fit while a slow destination takes its time is dropped, counted, and told.
type subscriber struct {
	owner   string // the extension's id
	dialect *dialect
	sub     subscription
	config  Config

	context context.Context // ends with the environment, or when another subscription replaces this one
	cancel  context.CancelFunc

	mu      sync.Mutex
	batch   [][]byte
	size    int // bytes in batch
	dropped struct{ records, bytes int }
	wake    chan struct{} // one element: batch is not empty any longer, or is full
}

func newSubscriber(parent context.Context, owner string, d *dialect, sub subscription, config Config) *subscriber {
	s := &subscriber{owner: owner, dialect: d, sub: sub, config: config, wake: make(chan struct{}, 1)}
	s.context, s.cancel = context.WithCancel(parent)
	return s
}

// add takes an event, if it is of a type that was asked for. It does not block.
func (s *subscriber) add(e event) {
	category, _, _ := strings.Cut(e.kind, ".")
	if !slices.Contains(s.sub.Types, category) || !s.dialect.wants(e.kind) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full() || s.size+len(e.text) > s.sub.Buffering.MaxBytes && len(s.batch) > 0 {
		s.dropped.records++
		s.dropped.bytes += len(e.text)
		return
	}
	s.batch = append(s.batch, e.text)
	s.size += len(e.text)
	if len(s.batch) == 1 || s.full() {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// full tells whether the batch must not wait any longer. The lock is held.
func (s *subscriber) full() bool {
	return len(s.batch) >= s.sub.Buffering.MaxItems || s.size >= s.sub.Buffering.MaxBytes*9/10
}

// run sends batches until the context ends.
func (s *subscriber) run() {
	to := s.destination()
	defer to.close()
	for {
		select {
		case <-s.wake:
		case <-s.context.Done():
			return
		}
		if !s.gather() {
			return
		}
		batch := s.take()
		if len(batch) == 0 {
			continue
		}
		if err := s.send(to, batch); err != nil && s.context.Err() == nil {
			s.lost(batch, fmt.Sprintf("could not send events: %v", err))
		}
	}
}

// gather waits until a batch that has begun is full or old enough.
func (s *subscriber) gather() bool {
	timer := time.NewTimer(time.Duration(s.sub.Buffering.TimeoutMS) * time.Millisecond)
	defer timer.Stop()
	for {
		s.mu.Lock()
		full := s.full()
		s.mu.Unlock()
		if full {
			return true
		}
		select {
		case <-timer.C:
			return true
		case <-s.wake:
		case <-s.context.Done():
			return false
		}
	}
}

// take empties the batch. What was dropped meanwhile is told at its end.
func (s *subscriber) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.batch
	s.batch, s.size = nil, 0
	if s.dropped.records > 0 && slices.Contains(s.sub.Types, "platform") {
		batch = append(batch, s.droppedEvent("Some logs were dropped because the downstream consumer is slower than the logs production rate").text)
	}
	s.dropped.records, s.dropped.bytes = 0, 0
	return batch
}

// lost counts a batch that could not be sent; the next one tells.
func (s *subscriber) lost(batch [][]byte, reason string) {
	s.mu.Lock()
	s.dropped.records = len(batch)
	s.dropped.bytes = 0
	for _, e := range batch {
		s.dropped.bytes += len(e)
	}
	e := s.droppedEvent(reason)
	s.dropped.records, s.dropped.bytes = 0, 0
	s.mu.Unlock()
	s.add(e)
}

func (s *subscriber) droppedEvent(reason string) event {
	return newEvent(s.config.Now(), "platform.logsDropped", struct {
		Records int    `json:"droppedRecords"`
		Bytes   int    `json:"droppedBytes"`
		Reason  string `json:"reason"`
	}{s.dropped.records, s.dropped.bytes, reason})
}

// sendTries is how often a batch is tried, and sendPause what lies between.
const (
	sendTries = 3
	sendPause = 100 * time.Millisecond
)

func (s *subscriber) send(to destination, batch [][]byte) (err error) {
	for try := range sendTries {
		if try > 0 {
			select {
			case <-time.After(sendPause):
			case <-s.context.Done():
				return s.context.Err()
			}
		}
		if err = to.send(s.context, batch); err == nil {
			return nil
		}
	}
	return err
}

// destination is a listener inside the environment. A send may take as long as it likes, for the
// environment may be frozen; the context ends it.
type destination interface {
	send(ctx context.Context, batch [][]byte) error
	close()
}

func (s *subscriber) destination() destination {
	port := s.sub.Destination.Port
	dial := func(ctx context.Context) (net.Conn, error) { return s.config.Dial(ctx, port) }
	if s.sub.Destination.Protocol == "TCP" {
		return &tcpDestination{dial: dial}
	}
	transport := &http.Transport{
		DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableCompression: true, MaxIdleConns: 1,
	}
	return &httpDestination{client: http.Client{Transport: transport, CheckRedirect: noRedirect}, method: s.sub.Destination.Method, uri: s.sub.Destination.URI}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// httpDestination gets each batch as a JSON array.
type httpDestination struct {
	client      http.Client
	method, uri string
}

func (d *httpDestination) send(ctx context.Context, batch [][]byte) error {
	body := append(append([]byte{'['}, bytes.Join(batch, []byte{','})...), ']')
	r, err := http.NewRequestWithContext(ctx, d.method, d.uri, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, maxControl))
	if response.StatusCode >= 400 {
		return fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	return nil
}

func (d *httpDestination) close() { d.client.CloseIdleConnections() }

// tcpDestination gets each event as a line.
type tcpDestination struct {
	dial func(context.Context) (net.Conn, error)
	conn net.Conn
}

func (d *tcpDestination) send(ctx context.Context, batch [][]byte) (err error) {
	if d.conn == nil {
		if d.conn, err = d.dial(ctx); err != nil {
			return err
		}
	}
	conn := d.conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err = conn.Write(append(bytes.Join(batch, []byte{'\n'}), '\n'))
	if err != nil {
		conn.Close()
		d.conn = nil
	}
	return err
}

func (d *tcpDestination) close() {
	if d.conn != nil {
		d.conn.Close()
	}
}
