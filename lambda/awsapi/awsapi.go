// Package awsapi is AWS Lambda's HTTP API (restJson1), and function URLs, over the embedded engine. HTTP
// requests come in as AWS's clients send them; what AWS would answer goes out: statuses, headers, bodies
// and errors in its words.
package awsapi

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/awsapi/model"
	"github.com/assaylab/assay/lambda/control"
	"github.com/assaylab/assay/lambda/sigv4"
)

// Options of an API. Engine and Plane must be set.
type Options struct {
	Engine Engine
	Plane  *control.Plane

	// Who may call: those that show the Token, and those that sign with one of the Credentials. With
	// neither, programs of this machine, signed or not.
	Token       string
	Credentials []sigv4.Credential

	MaxEvent int              // bytes of an Event invocation's payload; 1 MiB if zero
	Log      *slog.Logger     // nothing is logged if nil
	Now      func() time.Time // time.Now if nil
}

// API serves AWS's API and function URLs. It is safe for concurrent use.
type API struct {
	opts     Options
	mux      *http.ServeMux
	verifier *sigv4.Verifier // nil without credentials
	sites    *http.CrossOriginProtection
	large    chan struct{} // a place for each request with a large body
	secret   [32]byte      // makes links to code that only this process can have made
}

// New returns an API.
func New(opts Options) (*API, error) {
	opts.MaxEvent = cmp.Or(opts.MaxEvent, 1<<20)
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	if opts.Now == nil {
		opts.Now = time.Now
	}
	operations, err := model.Load()
	if err != nil {
		return nil, err
	}
	a := &API{opts: opts, mux: http.NewServeMux(), sites: http.NewCrossOriginProtection(), large: make(chan struct{}, maxLarge)}
	rand.Read(a.secret[:])
	if len(opts.Credentials) > 0 {
		a.verifier = &sigv4.Verifier{Service: "lambda", Region: assay.EmbeddedRegion, Credentials: opts.Credentials, Now: opts.Now}
	}
	a.route(operations)
	return a, nil
}

// operation is one of AWS's with what serves it here; nil if nothing does.
type operation struct {
	*model.Operation
	serve handler
	query string // "find=LayerVersion", if the path alone does not tell it from another
}

// route gives each operation its path. Some share one, and are told apart by the query.
func (a *API) route(operations []*model.Operation) {
	served := handlers()
	byPath := map[string][]operation{}
	for _, o := range operations {
		path, query, _ := strings.Cut(o.URI, "?")
		pattern := o.Method + " " + path
		byPath[pattern] = append(byPath[pattern], operation{o, served[o.Name], query})
	}
	for pattern, candidates := range byPath {
		a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.operate(w, r, choose(candidates, r)) })
	}
	a.mux.HandleFunc("GET /snapshots/{kind}/{name}/{version}", a.serveCode)
	a.mux.HandleFunc("/", a.unknown)
}

func choose(candidates []operation, r *http.Request) operation {
	chosen := candidates[0]
	if len(candidates) == 1 {
		return chosen
	}
	for _, o := range candidates {
		name, value, told := strings.Cut(o.query, "=")
		if told && r.URL.Query().Get(name) == value {
			return o
		}
		if !told {
			chosen = o
		}
	}
	return chosen
}

// unknown answers what is no operation of AWS's.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	writeError(w, &control.APIError{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: fmt.Sprintf("%s %s is no operation of AWS Lambda.", r.Method, r.URL.Path)})
}

// ServeHTTP serves function URLs, by the host's name or by a path for clients that cannot resolve it, and
// AWS's operations, with or without a slash at the end.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, ok := urlOfHost(r.Host); ok {
		a.serveURL(w, r, id)
		return
	}
	if id, rest, ok := urlOfPath(r.URL.EscapedPath()); ok {
		a.serveURL(w, atPath(r, id, rest), id)
		return
	}
	path := r.URL.Path
	switch {
	case strings.Contains(path, "//"): // the mux would redirect
		a.unknown(w, r)
	case len(path) > 1 && strings.HasSuffix(path, "/"):
		u := *r.URL
		u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
		without := *r
		without.URL = &u
		a.mux.ServeHTTP(w, &without)
	default:
		a.mux.ServeHTTP(w, r)
	}
}
