package runtimeapi

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// subscriberOf returns a subscriber over TCP with a time-out, and what its destination gets, a line each
// with the time since the start.
func subscriberOf(t *testing.T, b buffering, dial func(context.Context, int) (net.Conn, error)) *subscriber {
	ctx, cancel := context.WithCancel(t.Context())
	s := newSubscriber(ctx, "x", &telemetryDialect, subscription{
		Types: []string{"platform", "function"}, Destination: target{Protocol: "TCP", Port: 1}, Buffering: b,
	}, Config{Dial: dial, Now: time.Now})
	done := make(chan struct{})
	go func() { s.run(); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return s
}

func TestBatchesAreSentWhenTheyAreOldEnoughOrFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		s := subscriberOf(t, buffering{MaxItems: 1000, MaxBytes: 1 << 20, TimeoutMS: 700}, func(context.Context, int) (net.Conn, error) { return here, nil })
		lines := bufio.NewReader(there)
		began := time.Now()
		s.add(newEvent(began, "function", "first"))
		time.Sleep(300 * time.Millisecond)
		s.add(newEvent(began, "function", "second"))
		for range 2 {
			if _, err := lines.ReadString('\n'); err != nil || time.Since(began) != 700*time.Millisecond {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		}
		began = time.Now()
		for range 1000 {
			s.add(newEvent(began, "function", "x"))
		}
		for range 1000 {
			lines.ReadString('\n')
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("a full batch was sent after %v", took)
		}
	})
}

func TestBatchesThatCannotBeSentAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer there.Close()
		tries := 0
		s := subscriberOf(t, buffering{MaxItems: 1000, MaxBytes: 1 << 20, TimeoutMS: 25}, func(context.Context, int) (net.Conn, error) {
			if tries++; tries <= sendTries+1 {
				return nil, errors.New("nobody listens")
			}
			return here, nil
		})
		began := time.Now()
		s.add(newEvent(began, "function", "lost"))
		lines := bufio.NewReader(there)
		line, err := lines.ReadString('\n') // the next batch, at its second try
		if err != nil || !strings.Contains(line, `"platform.logsDropped"`) || !strings.Contains(line, `"droppedRecords":1`) || !strings.Contains(line, "nobody listens") {
			t.Errorf("%s %v", line, err)
		}
		if want := 2*25*time.Millisecond + sendTries*sendPause; time.Since(began) != want {
			t.Errorf("after %v, want %v", time.Since(began), want)
		}
	})
}

func TestStreamsKeepTheirPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{to: &sinkhole{}, pace: newBucket(AWSPace, time.Now())}
		began := time.Now()
		c.Write(make([]byte, 6<<20))
		if took := time.Since(began); took != 0 {
			t.Errorf("the burst took %v", took)
		}
		c.Write(make([]byte, 4<<20))
		if took := time.Since(began).Round(time.Millisecond); took != 2*time.Second {
			t.Errorf("4 MiB more took %v, want 2 s", took)
		}
	})
}
