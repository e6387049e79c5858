package event_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/event"
)

// TestRoute makes events of requests that came by a route of an API.
func TestRoute(t *testing.T) {
	for name, c := range map[string]struct {
		route event.Route
		path  string
		want  string // key, resource and parameters
	}{
		"literal":   {event.Route{Method: "GET", Path: "/users"}, "/users", `["GET /users","/users",null]`},
		"parameter": {event.Route{Path: "/users/{id}/tags/{tag}"}, "/users/a%20b/tags/c", `["ANY /users/{id}/tags/{tag}","/users/{id}/tags/{tag}",{"id":"a b","tag":"c"}]`},
		"rest":      {event.Route{Method: "POST", Path: "/files/{name+}"}, "/files/a/b%2Fc", `["POST /files/{name+}","/files/{name+}",{"name":"a/b/c"}]`},
		"default":   {event.Route{}, "/x/y", `["$default","/{proxy+}",{"proxy":"x/y"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			inv := &assay.Invocation{Request: &assay.Request{Method: "GET", Path: c.path}}
			var v2, v1 struct {
				RouteKey       string            `json:"routeKey"`
				Resource       string            `json:"resource"`
				PathParameters map[string]string `json:"pathParameters"`
				RequestContext struct {
					RouteKey     string `json:"routeKey"`
					ResourcePath string `json:"resourcePath"`
				} `json:"requestContext"`
			}
			for format, into := range map[event.Format]any{event.V2: &v2, event.V1: &v1} {
				text, err := c.route.Encode(format, inv)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(text, into); err != nil {
					t.Fatal(err)
				}
			}
			got, err := json.Marshal([]any{v2.RouteKey, v1.Resource, v1.PathParameters})
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if v2.RequestContext.RouteKey != v2.RouteKey || v1.RequestContext.ResourcePath != v1.Resource {
				t.Error("the context says otherwise")
			}
			if c.route.Path != "" && !cmp.Equal(v2.PathParameters, v1.PathParameters) {
				t.Errorf("%v in v2", v2.PathParameters)
			}
		})
	}
}
