package gateway

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/wire"
)

// Route says which requests belong to an experiment, or to a function of its own, and who serves them.
type Route struct {
	Experiment string
	// Function names the function that the route is for when no experiment is: it gives way to those of
	// experiments for the same requests.
	Function string
	// Path is "/a/{id}/b" or "/a/*", the first slash may be missing. It is matched segment by segment,
	// case-sensitively: a segment "{…}" matches any that is not empty, a last "*" matches the rest,
	// also none. Other segments match themselves, however percent-encoded.
	Path string
	// Methods are the methods routed here; empty: all. GET brings HEAD with it.
	Methods []string
	// Control answers the client. One that is also an http.Handler is given the client's request and
	// writer; it should flush and hijack through http.ResponseController.
	Control assay.Invoker
	// Lane makes trials of what was served; nil: no trials.
	Lane assay.Lane
	// Split, if not nil, lets another arm than the control serve some of the requests.
	Split Split
	// Canary is whom Split may choose. It need not be told; but without it requests are not relayed.
	Canary assay.Invoker
	// MaxBody is the largest request body in bytes for controls that need it whole; 6 MB if zero, as
	// for AWS Lambda.
	MaxBody int64

	origin  *wire.Origin // the control's, if it has one
	relayed bool         // whoever serves has one
}

// Split decides who serves a request.
type Split interface {
	// Choose returns the arm that serves in the control's place, or nil. Served is called with what the client
	// was given, without its body, and tells whether the control answered; else it makes no trial.
	Choose(*assay.Request) (arm assay.Invoker, served func(*assay.Observation) (control bool))
}

// defaultMaxBody is AWS Lambda's limit for a synchronous invocation.
const defaultMaxBody = 6 << 20

// anyMethod stands for all methods in a node's routes.
const anyMethod = ""

// table finds the route of a request. It does not change once made.
type table struct {
	root   node
	routes []Route // as given, for people
}

// node is a place in the tree of path segments.
type node struct {
	literal map[string]*node // by decoded segment
	param   *node            // any one segment
	here    methods          // paths that end here
	rest    methods          // paths that go on with anything
}

type methods map[string]*Route

func newTable(routes []Route) (*table, error) {
	t := &table{routes: slices.Clone(routes)}
	slices.SortStableFunc(t.routes, func(a, b Route) int { return cmp.Compare(a.rank(), b.rank()) })
	for i := range t.routes {
		r := &t.routes[i]
		if r.MaxBody <= 0 {
			r.MaxBody = defaultMaxBody
		}
		r.origin = originOf(r.Control)
		r.relayed = r.origin != nil && (r.Split == nil || originOf(r.Canary) != nil)
		if err := t.root.add(r); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// add puts the route at the end of its path.
func (n *node) add(r *Route) error {
	if r.Control == nil {
		return &assay.Error{
			Code: assay.CodeInvalid, What: "the route has no control", Where: r.where(),
			Hint: "name a control that can be invoked",
		}
	}
	segments := split(r.Path)
	for i, segment := range segments {
		switch {
		case segment == "*" && i == len(segments)-1:
			return n.rest.add(r, &n.rest)
		case isParam(segment):
			if n.param == nil {
				n.param = &node{}
			}
			n = n.param
		case strings.ContainsAny(segment, "{}*?#"):
			return badSegment(r, segment)
		default:
			n = n.child(decode(segment))
		}
	}
	return n.here.add(r, &n.here)
}

func (n *node) child(segment string) *node {
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	if n.literal[segment] == nil {
		n.literal[segment] = &node{}
	}
	return n.literal[segment]
}

// add enters the route under its methods, making the map at m if there is none yet.
func (ms methods) add(r *Route, m *methods) error {
	names := r.Methods
	if len(names) == 0 {
		names = []string{anyMethod}
	}
	if ms == nil {
		ms = methods{}
		*m = ms
	}
	for _, name := range names {
		other := ms.rival(name)
		if r.Function != "" { // as in API Gateway, a method of its own wins over any
			if ms.taken(name) || ms.taken(anyMethod) {
				continue
			}
			other = ms[name]
		}
		if other != nil && other != r {
			return conflict(other, r)
		}
		ms[name] = r
	}
	return nil
}

// taken tells whether an experiment has the method.
func (ms methods) taken(name string) bool { return ms[name] != nil && ms[name].Function == "" }

// rank orders routes: those of experiments come first.
func (r *Route) rank() int {
	if r.Function != "" {
		return 1
	}
	return 0
}

// rival is a route that has the method already.
func (ms methods) rival(name string) *Route {
	for have, r := range ms {
		if have == name || have == anyMethod || name == anyMethod {
			return r
		}
	}
	return nil
}

// get returns the route for a method, or nil.
func (ms methods) get(method string) *Route {
	if r := ms[method]; r != nil {
		return r
	}
	if method == http.MethodHead && ms[http.MethodGet] != nil {
		return ms[http.MethodGet]
	}
	return ms[anyMethod]
}

// find returns the most specific route of the path that has the method: of two paths the one is more
// specific that first has a literal segment where the other has a parameter, or either where the other
// has "*". Without such a route it returns the methods that the path does have.
func (t *table) find(method, path string) (found *Route, allowed []string) {
	path = strings.TrimPrefix(path, "/")
	if t.root.visit(path, true, func(ms methods) bool {
		found = ms.get(method)
		return found != nil
	}) {
		return found, nil
	}
	t.root.visit(path, true, func(ms methods) bool {
		allowed = slices.AppendSeq(allowed, maps.Keys(ms))
		return false
	})
	return nil, allowed
}

// visit shows the routes of all paths that match, the most specific first, until one is accepted. Path is what is
// left of it; at more=false that is nothing, not even an empty segment.
func (n *node) visit(path string, more bool, accept func(methods) bool) bool {
	if !more {
		return n.here != nil && accept(n.here) || n.rest != nil && accept(n.rest)
	}
	segment, rest, more := strings.Cut(path, "/")
	segment = decode(segment)
	next := n.literal[segment]
	return next != nil && next.visit(rest, more, accept) ||
		n.param != nil && segment != "" && n.param.visit(rest, more, accept) ||
		n.rest != nil && accept(n.rest)
}

// split returns the segments of a path after its first slash, if it has that.
func split(path string) []string {
	return strings.Split(strings.TrimPrefix(path, "/"), "/")
}

func isParam(segment string) bool {
	name, open := strings.CutPrefix(segment, "{")
	name, closed := strings.CutSuffix(name, "}")
	return open && closed && name != "" && !strings.ContainsAny(name, "{}")
}

// decode resolves percent-encoding; a segment that is not well encoded stays as it is.
func decode(segment string) string {
	if plain, err := url.PathUnescape(segment); err == nil {
		return plain
	}
	return segment
}

func (r *Route) named() string {
	if r.Function != "" {
		return fmt.Sprintf("function %q", r.Function)
	}
	return fmt.Sprintf("experiment %q", r.Experiment)
}

func (r *Route) where() string {
	if r.Function != "" {
		return "function " + r.Function
	}
	return "experiment " + r.Experiment
}

func (r *Route) methods() string {
	if len(r.Methods) == 0 {
		return "all methods"
	}
	return strings.Join(r.Methods, ", ")
}

func badSegment(r *Route, segment string) error {
	return &assay.Error{
		Code:  assay.CodeInvalid,
		What:  fmt.Sprintf("the path %q cannot be matched because of %q", r.Path, segment),
		Where: r.where(),
		Hint:  `a segment is literal or "{name}"; only the last may be "*"; queries are not matched`,
	}
}

func conflict(a, b *Route) error {
	return &assay.Error{
		Code: assay.CodeConflict,
		What: fmt.Sprintf("%s and %s are for the same requests: %s (%s) and %s (%s)",
			a.named(), b.named(), a.Path, a.methods(), b.Path, b.methods()),
		Where: b.where(),
		Hint:  "give one of them another path, or methods that the other does not have",
	}
}
