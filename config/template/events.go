package template

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// samEvent reads an event of SAM: those of HTTP become routes.
func (r *reader) samEvent(f *Function, key, n *yaml.Node) {
	kind, props := r.text(get(r.eval(n), "Type")), get(r.eval(n), "Properties")
	if props != nil {
		props = r.eval(props)
	}
	route := Route{Method: method(r.text(get(props, "Method"))), Path: r.text(get(props, "Path")), Where: r.where(key)}
	switch kind {
	case "Api":
		route.Event = "v1"
		if null(get(props, "Path")) {
			r.fail(key, "write Path and Method", "the event %s of %s has no path", key.Value, f.ID)
			return
		}
	case "HttpApi":
		route.Event = format(r.text(get(props, "PayloadFormatVersion")))
		if route.Path == "" {
			route.Path = "$default"
		}
	default:
		r.note(key, "the event %s of %s (%s) is not made", key.Value, f.ID, kind)
		return
	}
	r.route(f, key, route)
}

// slsEvent reads an event of the Serverless Framework: those of HTTP become routes.
func (r *reader) slsEvent(f *Function, n *yaml.Node, payload string) {
	kind, body := n, (*yaml.Node)(nil)
	if n.Kind == yaml.MappingNode && len(n.Content) >= 2 {
		kind, body = n.Content[0], r.eval(n.Content[1])
	}
	route := Route{Where: r.where(kind)}
	switch kind.Value {
	case "http", "httpApi":
		route.Event = payload
		if kind.Value == "http" {
			route.Event = "v1"
		}
		r.short(&route, body)
		if how := r.text(get(body, "integration")); how != "" && !strings.EqualFold(strings.ReplaceAll(how, "_", "-"), "lambda-proxy") && !strings.EqualFold(how, "aws_proxy") {
			r.note(kind, "integration %s of %s is not made: it gets whole requests, as with lambda-proxy", how, f.ID)
		}
		if get(body, "authorizer") != nil {
			r.note(kind, "the authorizer of %s is not asked", f.ID)
		}
		r.route(f, kind, route)
	case "alb":
		r.alb(f, kind, body)
	default:
		r.note(kind, "the event %s of %s is not made", kind.Value, f.ID)
	}
}

// short reads "GET /path", "*" and the long form.
func (r *reader) short(route *Route, body *yaml.Node) {
	if body == nil || body.Kind == yaml.ScalarNode {
		words := strings.Fields(r.text(body))
		switch len(words) {
		case 1:
			route.Path = words[0]
		case 2:
			route.Method, route.Path = method(words[0]), words[1]
		}
		return
	}
	route.Method, route.Path = method(r.text(get(body, "method"))), r.text(get(body, "path"))
}

// alb reads the conditions of a load balancer's rule.
func (r *reader) alb(f *Function, kind, body *yaml.Node) {
	paths, methods := r.texts(get(body, "conditions", "path")), r.texts(get(body, "conditions", "method"))
	if len(paths) == 0 {
		paths = []string{"*"}
	}
	if len(methods) == 0 {
		methods = []string{""}
	}
	for _, p := range paths {
		for _, m := range methods {
			r.route(f, kind, Route{Method: method(m), Path: p, Event: "alb", Where: r.where(kind)})
		}
	}
}

// method is a method in capitals, "" for any.
func method(s string) string {
	if s = strings.ToUpper(s); s == "ANY" || s == "*" || s == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
		return ""
	}
	return s
}

// format is our name of a version of the payload.
func format(version string) string {
	if version == "1.0" {
		return "v1"
	}
	return "v2"
}

// route adds a route with its path in one form. "$default" and "*" take everything.
func (r *reader) route(f *Function, at *yaml.Node, route Route) {
	switch path := strings.TrimPrefix(route.Path, "/"); path {
	case "$default", "*":
		route.Path = "/{proxy+}"
	default:
		if rest, ok := strings.CutSuffix(path, "/*"); ok {
			path = rest + "/{proxy+}"
		}
		route.Path = "/" + path
	}
	r.checkPath(at, route.Path)
	f.Routes = append(f.Routes, route)
}

// checkPath wants braces around whole segments, and "+" in the last.
func (r *reader) checkPath(at *yaml.Node, path string) {
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		inner, open := strings.CutPrefix(s, "{")
		inner, closed := strings.CutSuffix(inner, "}")
		rest := strings.HasSuffix(inner, "+")
		bad := open != closed || strings.ContainsAny(inner, "{}?# ") || open && strings.TrimSuffix(inner, "+") == "" ||
			open && rest && i < len(segments)-1 || strings.Contains(s, "*")
		if bad {
			r.fail(at, `a segment is text, "{name}", or at the end "{name+}"`, "the path %q cannot be matched because of %q", path, s)
			return
		}
	}
}
