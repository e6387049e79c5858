package console

import (
	"context"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

type fakeRouter struct {
	functions []string
	routes    []assay.Route
}

func (f *fakeRouter) Routes() []assay.Route { return f.routes }
func (f *fakeRouter) SetRoutes(_ context.Context, functions []string, routes []assay.Route) error {
	if len(routes) > 1 {
		return &assay.Error{Code: assay.CodeConflict, What: "two are for the same requests"}
	}
	f.functions, f.routes = functions, routes
	return nil
}

func TestRoutes(t *testing.T) {
	router := &fakeRouter{}
	c := newConsole(newFakeLab(), func(o *Options) { o.Router = router })
	const one = `{"function":"hello","method":"GET","path":"/hello"}`
	for _, step := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"GET", "", 200, `{"routes":[]}`},
		{"PUT", `{"functions":["hello"],"routes":[` + one + `]}`, 200, `{"routes":[` + one + `]}`},
		{"GET", "", 200, `{"routes":[` + one + `]}`},
		{"PUT", `{"functions":["hello"],"routes":[` + one + `,` + one + `]}`, 409, "same requests"},
		{"PUT", `{"route":[]}`, 400, "these are no routes"},
		{"PUT", `[`, 400, "these are no routes"},
	} {
		w := call(t, c, step.method, "/api/v1/routes", step.body)
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.want) {
			t.Errorf("%s %s: %d %s", step.method, step.body, w.Code, w.Body)
		}
	}
	if len(router.functions) != 1 || router.functions[0] != "hello" {
		t.Error(router.functions)
	}
	if w := call(t, newConsole(newFakeLab(), nil), "GET", "/api/v1/routes", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "[]") {
		t.Error(w.Code, w.Body)
	}
}
