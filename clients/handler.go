package clients

import (
	"io"
	"net/http"
	"time"
)

// Handler cuts off clients that do not send the body that they began.
func (l *Listener) Handler(next http.Handler) http.Handler {
	if l.Limits.Patience <= 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			r.Body = &body{ReadCloser: r.Body, sender: &Sender{l, newCredit(l.Limits), http.NewResponseController(w).SetReadDeadline}}
		}
		next.ServeHTTP(w, r)
	})
}

// body gives each read its time, and what follows the body all it wants.
type body struct {
	io.ReadCloser
	sender *Sender
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.sender.Read(p, b.ReadCloser.Read)
	if err == io.EOF {
		_ = b.sender.deadline(time.Time{})
	}
	return n, err
}
