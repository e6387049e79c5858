package plainhttp

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/wire"
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
	o.Fault = wire.Fault(s.exchange(ctx, inv, o))
	o.Duration = s.now().Sub(o.Started)
	return o, nil
}

func (s *Service) exchange(ctx context.Context, inv *assay.Invocation, o *assay.Observation) error {
	if s.origin != nil && len(inv.Request.Body) <= atOnce {
		return s.call(ctx, inv, o)
	}
	return s.roundTrip(ctx, inv, o)
}

// atOnce is the largest body that is sent before the answer is read. It fits into a socket's buffers: a service
// that answers without reading it does not block both sides.
const atOnce = 64 << 10

// call makes the exchange in bytes, at less than half of what net/http spends.
func (s *Service) call(ctx context.Context, inv *assay.Invocation, o *assay.Observation) error {
	in := inv.Request
	target := in.Path
	if in.Query != "" {
		target += "?" + in.Query
	}
	reply, err := s.origin.Do(ctx, &wire.Call{
		Method: in.Method, Target: target, Header: s.header(inv), Body: in.Body, Keep: s.maxBody, Room: assay.RoomIn(ctx),
	})
	o.Status, o.Header, o.Trailer = reply.Status, reply.Header, reply.Trailer
	o.Body, o.BodySize = reply.Body, reply.Size
	return err
}

// roundTrip makes the exchange by net/http: over TLS, or with a large request.
func (s *Service) roundTrip(ctx context.Context, inv *assay.Invocation, o *assay.Observation) error {
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
	if o.Body, err = read(res.Body, s.maxBody, assay.RoomIn(ctx)); err != nil {
		o.BodySize = int64(len(o.Body))
		return err
	}
	rest, err := io.Copy(io.Discard, res.Body)
	o.BodySize = int64(len(o.Body)) + rest
	o.Trailer = assay.Header(res.Trailer)
	return err
}

// read reads up to most bytes, and asks for room before it holds more of them.
func read(body io.Reader, most int64, room func(n int) bool) (all []byte, err error) {
	for size := int64(4 << 10); ; size *= 2 {
		size = min(size, most)
		if room != nil && !room(int(size)-cap(all)) {
			return all, wire.ErrNoRoom
		}
		all = append(make([]byte, 0, size), all...)
		n, err := io.ReadFull(body, all[len(all):size])
		all = all[:len(all)+n]
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF: // the connection's own would say so at the next read
			return all, nil
		case err != nil || size == most:
			return all, err
		}
	}
}

// header makes the fields from the snapshot, sharing nothing with it that could be changed.
func (s *Service) header(inv *assay.Invocation) assay.Header {
	in := inv.Request
	header := in.Header.Clone()
	if header == nil {
		header = assay.Header{}
	}
	header.DelHopByHop()
	delete(header, "Expect") // the body is at hand
	forward(http.Header(header), in.RemoteAddr, in.Host, in.Scheme)
	header.Set(assay.TrialHeader, inv.ID)
	return header
}

// request makes a request for net/http.
func (s *Service) request(ctx context.Context, inv *assay.Invocation) *http.Request {
	in := inv.Request
	header := http.Header(s.header(inv))
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
