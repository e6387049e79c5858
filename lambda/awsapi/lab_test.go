package awsapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/control"
)

// lab is an API under test.
type lab struct {
	t      testing.TB
	plane  *control.Plane
	server *httptest.Server
	http   *http.Client
}

func newLab(t testing.TB, opts Options) *lab {
	t.Helper()
	plane, err := control.Open(control.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	opts.Plane, opts.Engine = plane, fake{}
	api, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, plane: plane, server: httptest.NewServer(api), http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(func() { l.http.CloseIdleConnections(); l.server.Close() })
	return l
}

type fake struct{}

func (fake) Invoke(ctx context.Context, c lambda.Call) (*lambda.Result, error) {
	return &lambda.Result{RequestID: c.ID, Status: 200, Payload: c.Payload, Version: "$LATEST"}, nil
}
func (fake) InvokeStream(ctx context.Context, c lambda.Call, s lambda.Sink) (*lambda.Result, error) {
	s.Begin("x")
	s.Write(c.Payload)
	return &lambda.Result{Status: 200}, nil
}
func (fake) InvokeEvent(c lambda.Call) error { return nil }
