package gateway

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

var control = assay.InvokerFunc(nil)

// routes makes a route of each line "experiment [METHOD,…] path".
func routes(lines ...string) []Route {
	var all []Route
	for _, line := range lines {
		f := strings.Fields(line)
		r := Route{Experiment: f[0], Path: f[len(f)-1], Control: control}
		if len(f) == 3 {
			r.Methods = strings.Split(f[1], ",")
		}
		all = append(all, r)
	}
	return all
}

func TestFind(t *testing.T) {
	table, err := newTable(routes(
		"root /",
		"round round",
		"user /users/{id}",
		"me /users/me",
		"posts /users/{id}/posts",
		"files /files/*",
		"readme /files/readme.txt",
		"slash /slash/",
		"café /café/{x}",
		"get GET /m/{x}",
		"post POST /m/one",
		"v1 /v1/a/*",
		"v1any /v1/{x}/b/c",
		"head HEAD,PUT /head",
		"gethead GET /head",
	))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, want, allowed string }{
		{"GET", "/", "root", ""},
		{"GET", "/round", "round", ""},
		{"GET", "/Round", "", ""},
		{"GET", "/round/", "", ""},
		{"GET", "//round", "", ""},
		{"GET", "/users/7", "user", ""},
		{"GET", "/users/", "", ""},
		{"GET", "/users/me", "me", ""},
		{"GET", "/users/m%65", "me", ""},
		{"GET", "/users/a%2Fb", "user", ""},
		{"GET", "/users/me/posts", "posts", ""}, // "me" leads nowhere: back to the parameter
		{"GET", "/users/..", "user", ""},
		{"GET", "/files", "files", ""},
		{"GET", "/files/", "files", ""},
		{"GET", "/files/a/b//c", "files", ""},
		{"GET", "/files/readme.txt", "readme", ""},
		{"GET", "/slash/", "slash", ""},
		{"GET", "/slash", "", ""},
		{"GET", "/caf%C3%A9/1", "café", ""},
		{"GET", "/café/1", "café", ""},
		{"GET", "/m/one", "get", ""}, // the more specific path has another method
		{"POST", "/m/one", "post", ""},
		{"HEAD", "/m/two", "get", ""},
		{"PUT", "/m/one", "", "GET POST"},
		{"GET", "/v1/a/b/c", "v1", ""},
		{"GET", "/v1/z/b/c", "v1any", ""},
		{"HEAD", "/head", "head", ""},
		{"GET", "/head", "gethead", ""},
		{"GET", "/%zz", "", ""},
	} {
		r, allowed := table.find(c.method, c.path)
		got := ""
		if r != nil {
			got = r.Experiment
		} else {
			slices.Sort(allowed)
			if a := strings.Join(allowed, " "); a != c.allowed {
				t.Errorf("%s %s allows %q, want %q", c.method, c.path, a, c.allowed)
			}
		}
		if got != c.want {
			t.Errorf("%s %s is for %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

func TestRefusedRoutes(t *testing.T) {
	for name, c := range map[string]struct {
		routes []Route
		code   assay.ErrorCode
		says   []string
	}{
		"same path":           {routes("a /x", "b /x"), assay.CodeConflict, []string{`"a"`, `"b"`}},
		"slash or not":        {routes("a x", "b /x"), assay.CodeConflict, []string{`"a"`, `"b"`}},
		"same shape":          {routes("a /x/{id}", "b /x/{name}"), assay.CodeConflict, []string{`"a"`, `"b"`}},
		"same encoding":       {routes("a /é", "b /%C3%A9"), assay.CodeConflict, []string{`"a"`, `"b"`}},
		"same tail":           {routes("a /x/*", "b GET /x/*"), assay.CodeConflict, []string{`"a"`, `"b"`}},
		"overlapping methods": {routes("a GET,PUT /x", "b POST,PUT /x"), assay.CodeConflict, []string{`"a"`, `"b"`, "GET, PUT"}},
		"inner star":          {routes("a /x/*/y"), assay.CodeInvalid, []string{`"*"`}},
		"half a star":         {routes("a /x*"), assay.CodeInvalid, []string{`"x*"`}},
		"half a parameter":    {routes("a /{x"), assay.CodeInvalid, []string{`"{x"`}},
		"nameless parameter":  {routes("a /{}"), assay.CodeInvalid, []string{`"{}"`}},
		"query":               {routes("a /x?y=1"), assay.CodeInvalid, []string{"queries"}},
		"no control":          {[]Route{{Experiment: "a", Path: "/"}}, assay.CodeInvalid, []string{"no control"}},
	} {
		t.Run(name, func(t *testing.T) {
			g := New(Options{})
			before := g.table.Load()
			var e *assay.Error
			if err := g.Set(c.routes); !errors.As(err, &e) || e.Code != c.code {
				t.Fatalf("got %v", err)
			}
			for _, word := range c.says {
				if !strings.Contains(e.Error(), word) {
					t.Errorf("%q is missing in:\n%v", word, e)
				}
			}
			if g.table.Load() != before {
				t.Error("the table has changed")
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	if err := Check(routes("a GET /x", "b POST /x", "c /x/", "d /x/{y}", "e /x/*", "f GET,GET /y", "g /*")); err != nil {
		t.Error(err)
	}
}

// plain is another way to tell whether a path matches a pattern: by recursion over one pattern.
func plain(pattern, segments []string) bool {
	switch {
	case len(pattern) == 1 && pattern[0] == "*":
		return true
	case len(pattern) == 0 || len(segments) == 0:
		return len(pattern) == len(segments)
	case isParam(pattern[0]) && segments[0] == "", !isParam(pattern[0]) && decode(pattern[0]) != decode(segments[0]):
		return false
	}
	return plain(pattern[1:], segments[1:])
}

// moreSpecific compares two patterns that match the same path.
func moreSpecific(a, b []string) bool {
	rank := func(segments []string, i int) int {
		switch {
		case i >= len(segments):
			return 3
		case segments[i] == "*" && i == len(segments)-1:
			return 0
		case isParam(segments[i]):
			return 1
		}
		return 2
	}
	for i := range max(len(a), len(b)) {
		if x, y := rank(a, i), rank(b, i); x != y {
			return x > y
		}
	}
	return false
}

// The tree finds a route just when one of the patterns matches by itself, and the most specific of those.
func FuzzFind(f *testing.F) {
	f.Add("/a/{id}/b", "/a/*", "/a/x/b", "/a/x/b")
	f.Add("/", "/*", "round", "/%72ound")
	f.Add("/{a}/{b}", "/x/{b}", "/{a}/y", "/x/y")
	f.Add("/a//b", "/a/{x}/b", "*", "/a//b")
	f.Add("/é", "/%C3%A9/", "/%zz", "/%c3%a9")
	f.Fuzz(func(t *testing.T, a, b, c, path string) {
		var all []Route
		for _, pattern := range []string{a, b, c} {
			r := Route{Experiment: pattern, Path: pattern, Control: control}
			if Check(append(all, r)) == nil {
				all = append(all, r)
			}
		}
		table, err := newTable(all)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, r := range all {
			if p := split(r.Path); plain(p, split(path)) && (want == nil || moreSpecific(p, want)) {
				want = p
			}
		}
		switch got, _ := table.find("GET", path); {
		case got == nil && want == nil:
		case got == nil || want == nil || !slices.Equal(split(got.Path), want):
			t.Errorf("%q of %q, %q, %q: got %v, want %q", path, a, b, c, got, want)
		}
	})
}

// TestFunctionRoutes has functions' own routes give way to those of experiments.
func TestFunctionRoutes(t *testing.T) {
	own := func(name, path string, methods ...string) Route {
		return Route{Function: name, Path: path, Methods: methods, Control: answering("function " + name)}
	}
	question := func(name, path string, methods ...string) Route {
		return Route{Experiment: name, Path: path, Methods: methods, Control: answering("experiment " + name)}
	}
	g := New(Options{})
	err := g.Set([]Route{
		own("users", "/users/{id}"), own("list", "/users", "GET"), own("make", "/users", "POST"), own("any", "/users"),
		own("rest", "/*"), own("shadowed", "/round", "GET"), question("round", "/round"), question("get", "/users/{id}", "GET"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{
		"GET /users": "function list", "POST /users": "function make", "PUT /users": "function any", "GET /users/1": "experiment get",
		"PUT /users/1": "function users", "GET /round": "experiment round", "GET /else/where": "function rest",
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if got := w.Body.String(); got != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
	if err := Check([]Route{own("a", "/x", "GET"), own("b", "/x", "GET")}); err == nil || !strings.Contains(err.Error(), `function "a" and function "b"`) {
		t.Error(err)
	}
}

func answering(text string) assay.Invoker {
	return assay.InvokerFunc(func(context.Context, *assay.Invocation) (*assay.Observation, error) {
		return &assay.Observation{Status: 200, Body: []byte(text)}, nil
	})
}
