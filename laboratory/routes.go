package laboratory

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
	"github.com/assaylab/assay/event"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/lambda"
)

// maxRoutes bounds the routes of all functions together.
const maxRoutes = 10_000

// routes are those that functions have of their own, kept in a file of the data folder.
type routes struct {
	file string
	all  []assay.Route
}

// openRoutes reads the routes of the last run.
func openRoutes(data string) (*routes, error) {
	r := &routes{file: filepath.Join(data, "routes.json")}
	text, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r.all)
	}
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the routes of functions cannot be read: " + err.Error(), Where: r.file, Hint: "remove the file, and deploy the functions again"}
	}
	return r, nil
}

// save keeps the routes, all or none of them.
func (r *routes) save(all []assay.Route) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.file+".new", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(r.file+".new", r.file); err != nil {
		return err
	}
	r.all = all
	return nil
}

// without are the routes that are not of these functions.
func (r *routes) without(functions []string) []assay.Route {
	return slices.DeleteFunc(slices.Clone(r.all), func(route assay.Route) bool { return slices.Contains(functions, bare(route.Function)) })
}

// bare is a function's name without its qualifier.
func bare(function string) string {
	name, _, _ := strings.Cut(function, ":")
	return name
}

// Routes implements console.Router.
func (l *Laboratory) Routes() []assay.Route {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.routes.all)
}

// SetRoutes implements console.Router.
func (l *Laboratory) SetRoutes(_ context.Context, functions []string, more []assay.Route) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range more {
		if flaws := check.Route(r); len(flaws) > 0 {
			return &assay.Error{Code: assay.CodeInvalid, What: flaws[0].What, Where: "function " + r.Function, Hint: flaws[0].Hint}
		}
		if _, err := l.engine.Deployment(bare(r.Function)); err != nil {
			return err
		}
	}
	next := append(l.routes.without(functions), more...)
	if len(next) > maxRoutes {
		return invalid("there are more than 10,000 routes of functions", "remove functions that are not needed")
	}
	if err := gateway.Check(functionRoutes(l.engine, next)); err != nil {
		return err
	}
	if err := l.routes.save(next); err != nil {
		return err
	}
	return l.route()
}

// dropRoutes forgets the routes of a function that is gone.
func (l *Laboratory) dropRoutes(function string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.routes.without([]string{function})
	if len(next) == len(l.routes.all) {
		return nil
	}
	return errors.Join(l.routes.save(next), l.route())
}

// functionRoutes are the gateway's routes to functions.
func functionRoutes(engine *lambda.Engine, all []assay.Route) []gateway.Route {
	var found []gateway.Route
	for _, r := range all {
		inv := &event.Invoker{Next: engine.Invoker(r.Function), Format: event.Format(r.Event), Route: event.Route{Method: r.Method, Path: r.Path}}
		if r.Method == "" && r.Pattern() == "/*" && r.Event != "v1" {
			inv.Route = event.Route{} // the default route of an HTTP API
		}
		g := gateway.Route{Function: r.Function, Path: r.Pattern(), Control: inv}
		if r.Method != "" {
			g.Methods = []string{r.Method}
		}
		found = append(found, g)
	}
	return found
}
