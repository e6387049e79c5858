package event

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/assaylab/assay"
)

// Route is the route of an API that a request came by. The zero Route takes everything: "$default" of
// HTTP APIs, "/{proxy+}" of REST APIs.
type Route struct {
	Method string // "GET"; "" is any
	Path   string // "/users/{id}"; a last segment "{name+}" stands for the rest
}

// Encode makes the event of an invocation's request, as the function Encode does, with the route's key and
// the parameters in the request's path.
func (r Route) Encode(f Format, inv *assay.Invocation) ([]byte, error) {
	switch {
	case inv.Request == nil:
		return nil, fmt.Errorf("invocation %s has no request to make an event of", inv.ID)
	case !f.valid():
		return nil, fmt.Errorf("%q is not a format of events", string(f))
	case f == V1:
		return json.Marshal(encodeV1(r, inv))
	case f == URL:
		return EncodeURL(inv, nil)
	case f == ALB:
		return json.Marshal(encodeALB(inv))
	}
	return json.Marshal(encodeV2(r, inv))
}

// key is how HTTP APIs name the route.
func (r Route) key() string {
	if r.Path == "" {
		return route
	}
	return cmp.Or(r.Method, "ANY") + " " + r.Path
}

// resource is how REST APIs name it.
func (r Route) resource() string { return cmp.Or(r.Path, proxy) }

// parameters are the decoded parts of a path that the route names; nil if it names none.
func (r Route) parameters(path string) map[string]string {
	var all map[string]string
	have := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range strings.Split(strings.TrimPrefix(r.Path, "/"), "/") {
		name, open := strings.CutPrefix(segment, "{")
		name, closed := strings.CutSuffix(name, "}")
		if !open || !closed || i >= len(have) {
			continue
		}
		value := have[i]
		if rest, greedy := strings.CutSuffix(name, "+"); greedy {
			name, value = rest, strings.Join(have[i:], "/")
		}
		if all == nil {
			all = map[string]string{}
		}
		if decoded, err := url.PathUnescape(value); err == nil {
			value = decoded
		}
		all[name] = value
	}
	return all
}
