package assay

import "strings"

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
