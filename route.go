package assay

import (
	"fmt"
	"strings"
)

// Route sends requests at the gateway to a function, unless an experiment is for the same requests.
type Route struct {
	Function string `json:"function"`         // NAME or NAME:QUALIFIER
	Method   string `json:"method,omitempty"` // "GET"; any if empty
	Path     string `json:"path"`             // "/users/{id}"; a last "{name+}" takes the rest
	Event    string `json:"event,omitempty"`  // the format of its events: "v2", "v1" or "alb"; v2 if empty
}

// Pattern is the path in the form of an experiment's, where "*" takes the rest.
func (r Route) Pattern() string {
	if at := strings.LastIndexByte(r.Path, '/'); at >= 0 && strings.HasSuffix(r.Path, "+}") {
		return r.Path[:at] + "/*"
	}
	return r.Path
}

// Flaws lists what is wrong with the shape of the route; nil when nothing is.
func (r Route) Flaws() []Flaw {
	var f flaws
	if !targetPattern.MatchString(r.Function) {
		f.add("write NAME or NAME:QUALIFIER", fmt.Sprintf("%q is not the name of a function", r.Function), "function")
	}
	if what := badPath(r.Pattern()); what != "" {
		f.add(`write it as "/a/{id}/b" or "/a/{rest+}"`, fmt.Sprintf("the path %q %s", r.Path, what), "path")
	}
	if r.Method != "" && (!tokenPattern.MatchString(r.Method) || r.Method != strings.ToUpper(r.Method)) {
		f.add("write methods in capitals, for example GET", fmt.Sprintf("%q is not an HTTP method", r.Method), "method")
	}
	switch r.Event {
	case "", "v1", "v2", "alb":
	default:
		f.add(`write "v2", "v1" or "alb"`, fmt.Sprintf("%q is not a format of events", r.Event), "event")
	}
	return f
}
