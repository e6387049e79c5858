package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// message is the body of the gateway's own answers, as API Gateway words them.
type message struct {
	Message string  `json:"message"`
	Routes  []known `json:"routes,omitempty"`
}

// known is a route as a 404 lists it in development.
type known struct {
	Methods    []string `json:"methods,omitempty"` // none: all
	Path       string   `json:"path"`
	Experiment string   `json:"experiment,omitempty"`
	Function   string   `json:"function,omitempty"`
}

func answerJSON(w http.ResponseWriter, status int, m message) {
	body, _ := json.Marshal(m) // strings only: cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

func fail(w http.ResponseWriter, status int) {
	answerJSON(w, status, message{Message: http.StatusText(status)})
}

func notFound(w http.ResponseWriter, routes []Route) {
	m := message{Message: "Not Found"}
	for _, r := range routes {
		m.Routes = append(m.Routes, known{r.Methods, "/" + strings.TrimPrefix(r.Path, "/"), r.Experiment, r.Function})
	}
	answerJSON(w, http.StatusNotFound, m)
}

func methodNotAllowed(w http.ResponseWriter, allowed []string) {
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(slices.Compact(allowed), ", "))
	fail(w, http.StatusMethodNotAllowed)
}
