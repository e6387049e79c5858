package plainhttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/assaylab/assay"
)

// Invoke sends the invocation's request to the service, marked as a trial's, and reads the whole
// answer. It never sends a request twice. Of a body longer than Options.MaxBody it keeps the beginning,
// and BodySize tells the length. It fails only when the invocation has no HTTP request.
func (s *Service) Invoke(ctx context.Context, inv *assay.Invocation) (*assay.Observation, error) {
	if inv.Request == nil {
		return nil, &assay.Error{
			Code:  assay.CodeInvalid,
			What:  "an event cannot be sent to an HTTP service",
			Where: s.scheme + "://" + s.host + s.prefix,
			Hint:  "use a function as this arm's target",
		}
	}
	o := &assay.Observation{Started: s.now()}
	o.Fault = fault(s.exchange(ctx, inv, o))
	o.Duration = s.now().Sub(o.Started)
	return o, nil
}

func (s *Service) exchange(ctx context.Context, inv *assay.Invocation, o *assay.Observation) error {
	res, err := s.transport.RoundTrip(s.request(ctx, inv))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	assay.Header(res.Header).DelHopByHop()
	o.Status, o.Header = res.StatusCode, assay.Header(res.Header)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return nil // what follows is no body
	}
	if o.Body, err = io.ReadAll(io.LimitReader(res.Body, s.maxBody)); err != nil {
		o.BodySize = int64(len(o.Body))
		return err
	}
	rest, err := io.Copy(io.Discard, res.Body)
	o.BodySize = int64(len(o.Body)) + rest
	o.Trailer = assay.Header(res.Trailer)
	return err
}

// request makes the request from the snapshot, sharing nothing with it that the transport could change.
func (s *Service) request(ctx context.Context, inv *assay.Invocation) *http.Request {
	in := inv.Request
	header := http.Header(in.Header.Clone())
	if header == nil {
		header = http.Header{}
	}
	assay.Header(header).DelHopByHop()
	header.Del("Expect") // the body is at hand
	forward(header, in.RemoteAddr, in.Host, in.Scheme)
	header.Set(assay.TrialHeader, inv.ID)
	if _, ok := header["User-Agent"]; !ok {
		header["User-Agent"] = nil // or the transport adds its own
	}
	req := &http.Request{
		Method:        in.Method,
		URL:           s.at(in.Path, in.Query),
		Host:          s.host,
		Header:        header,
		Body:          onceOnly(in),
		ContentLength: int64(len(in.Body)),
	}
	return req.WithContext(ctx)
}

// onceOnly returns the request's body in a form that the transport cannot send again. It would repeat
// a GET without a body when a reused connection breaks before the answer: then a candidate that
// crashes now and then would look better than it is.
func onceOnly(in *assay.Request) io.ReadCloser {
	if len(in.Body) > 0 {
		return io.NopCloser(bytes.NewReader(in.Body))
	}
	switch in.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return io.NopCloser(bytes.NewReader(nil)) // of unknown length, found to be empty when sent
	}
	return http.NoBody
}

// fault sorts an exchange's error.
func fault(err error) *assay.Fault {
	if err == nil {
		return nil
	}
	kind := assay.FaultTransport
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		kind = assay.FaultCanceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		kind = assay.FaultTimeout
	}
	return &assay.Fault{Kind: kind, Message: err.Error()}
}
