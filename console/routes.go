package console

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/assaylab/assay"
)

// Router holds the routes that functions have of their own.
type Router interface {
	Routes() []assay.Route
	// SetRoutes replaces the routes of these functions, all at once. It fails, changing nothing, when two
	// functions are for the same requests.
	SetRoutes(ctx context.Context, functions []string, routes []assay.Route) error
}

func (c *Console) listRoutes(w http.ResponseWriter, _ *http.Request) error {
	routes := []assay.Route{}
	if c.opt.Router != nil {
		routes = append(routes, c.opt.Router.Routes()...)
	}
	return writeJSON(w, http.StatusOK, map[string]any{"routes": routes})
}

// putRoutes takes {"functions": [...], "routes": [...]}.
func (c *Console) putRoutes(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Functions []string
		Routes    []assay.Route
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || c.opt.Router == nil {
		return &assay.Error{Code: assay.CodeInvalid, What: "these are no routes", Hint: `send {"functions": ["hello"], "routes": [{"function": "hello", "method": "GET", "path": "/hello"}]}`, Err: err}
	}
	if err := c.opt.Router.SetRoutes(r.Context(), in.Functions, in.Routes); err != nil {
		return err
	}
	return c.listRoutes(w, r)
}
