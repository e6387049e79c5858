package lambda

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/assaylab/assay"
)

// BenchmarkInvoke compares a warm invocation of a trivial Go function with a bare net/http round trip
// on the same machine at the same time; an invocation has two such round trips between processes.
//
//	go test ./lambda -run - -bench Invoke
func BenchmarkInvoke(b *testing.B) {
	payload := []byte(`{"ID": 1}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}))
	defer server.Close()
	roundTrip := func(b *testing.B) {
		response, err := http.Post(server.URL, "application/json", bytes.NewReader(payload))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	l := newLab(b, Options{}, goFn(b))
	invoker := l.Invoker("go")
	invoke := func(b *testing.B) {
		o, err := invoker.Invoke(b.Context(), &assay.Invocation{Payload: payload})
		if err != nil || o.Fault != nil {
			b.Fatal(o, err)
		}
	}
	invoke(b)

	var bare float64 // ns of a round trip
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			roundTrip(b)
		}
		bare = float64(b.Elapsed().Nanoseconds()) / float64(b.N)
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			invoke(b)
		}
		b.ReportMetric(bare*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "bare/warm")
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
