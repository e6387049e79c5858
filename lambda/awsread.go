package lambda

import (
	"net/http"
	"strconv"

	"github.com/assaylab/assay/lambda/control"
)

func (e *Engine) serveConfiguration(w http.ResponseWriter, r *http.Request) {
	e.serveRead(w, r, func(ref control.Reference) (any, error) { return e.GetFunctionConfiguration(ref.Name, ref.Qualifier) })
}

func (e *Engine) serveFunction(w http.ResponseWriter, r *http.Request) {
	e.serveRead(w, r, func(ref control.Reference) (any, error) { return e.GetFunction(ref.Name, ref.Qualifier) })
}

func (e *Engine) serveRead(w http.ResponseWriter, r *http.Request, read func(control.Reference) (any, error)) {
	ref, problem := e.refer(r)
	if problem != nil {
		writeError(w, problem)
		return
	}
	out, err := read(ref)
	if err != nil {
		writeError(w, &awsError{status: 404, code: "ResourceNotFoundException", message: "Function not found: " + ref.ARN()})
		return
	}
	w.Header().Set("X-Amzn-RequestId", newID())
	writeJSON(w, http.StatusOK, out)
}

// serveList answers ListFunctions: by name, 50 a page at most.
func (e *Engine) serveList(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.URL.Query().Get("MaxItems"))
	w.Header().Set("X-Amzn-RequestId", newID())
	writeJSON(w, http.StatusOK, e.ListFunctions(r.URL.Query().Get("Marker"), size, false))
}
