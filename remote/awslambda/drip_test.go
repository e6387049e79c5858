package awslambda

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/assaylab/assay"
)

// drip answers byte by byte, for ever.
func drip(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := fmt.Fprint(w, "{"); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Millisecond)
	}
}

// dripHead answers with a head that never ends.
func dripHead(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	for text := "HTTP/1.1 200 OK\r\nX-Long: "; err == nil; text = "x" {
		_, err = fmt.Fprint(conn, text)
		time.Sleep(time.Millisecond)
	}
}

// TestAnswersThatDripAreTimeOuts: whatever of an answer came before the deadline, its fault is that it was not whole then.
func TestAnswersThatDripAreTimeOuts(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"chunks": drip,
		"length": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "100000"); drip(w, r) },
		"error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			drip(w, r)
		},
		"throttle": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTooManyRequests); drip(w, r) },
		"function error": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			drip(w, r)
		},
		"head": dripHead,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(answer)
			t.Cleanup(server.Close)
			f, err := New(t.Context(), Options{ARN: function, Endpoint: server.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(f.Close)
			var calls sync.WaitGroup
			for i := range 50 {
				calls.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
					defer cancel()
					o, err := f.Invoke(ctx, &assay.Invocation{ID: "1", Payload: []byte("{}")})
					if err != nil || o.Fault == nil || o.Fault.Kind != assay.FaultTimeout {
						t.Errorf("it ended as %+v, %v", o.Fault, err)
					}
				})
			}
			calls.Wait()
		})
	}
}
