package lambda

import (
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// configuration is AWS's FunctionConfiguration, as far as the engine has it.
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Handler          string
	CodeSize         int64
	CodeSha256       string
	Timeout          int64 // seconds, rounded up
	MemorySize       int
	LastModified     string
	Version          string
	State            string
	StateReason      string `json:",omitempty"`
	LastUpdateStatus string
	PackageType      string
	Architectures    []string
	Environment      *variables `json:",omitempty"`
}

type variables struct{ Variables map[string]string }

// configuration describes the function; the engine's lock is held.
func (f *function) configuration() configuration {
	d := f.deployment()
	c := configuration{
		FunctionName: d.Name, FunctionArn: d.ARN, Runtime: d.Runtime, Handler: d.Handler,
		CodeSize: f.current.CodeSize, CodeSha256: d.CodeSHA256,
		Timeout: int64((d.Timeout + time.Second - 1) / time.Second), MemorySize: d.MemoryMB,
		LastModified: d.LastModified.Format("2006-01-02T15:04:05.000-0700"), Version: latest,
		State: d.State, StateReason: d.Reason, LastUpdateStatus: "Successful", PackageType: "Zip",
		Architectures: []string{architecture()},
	}
	if len(d.Environment) > 0 {
		c.Environment = &variables{d.Environment}
	}
	return c
}

// architecture of this machine in AWS's words.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// readConfiguration answers for a request that names a function, or answers nothing and returns false.
func (e *Engine) readConfiguration(w http.ResponseWriter, r *http.Request) (configuration, bool) {
	_, f, problem := e.refer(r)
	if problem != nil {
		writeError(w, problem)
		return configuration{}, false
	}
	w.Header().Set("X-Amzn-RequestId", newID())
	e.mu.Lock()
	defer e.mu.Unlock()
	return f.configuration(), true
}

func (e *Engine) serveConfiguration(w http.ResponseWriter, r *http.Request) {
	if c, ok := e.readConfiguration(w, r); ok {
		writeJSON(w, http.StatusOK, c)
	}
}

// serveFunction answers GetFunction, without a Code.Location: there is no zip file to download.
func (e *Engine) serveFunction(w http.ResponseWriter, r *http.Request) {
	c, ok := e.readConfiguration(w, r)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"Configuration": c, "Code": map[string]string{"RepositoryType": "Assay"}})
}

// functionPage is the answer of ListFunctions.
type functionPage struct {
	Functions  []configuration
	NextMarker string `json:",omitempty"` // the last name of this page
}

// serveList answers ListFunctions: by name, 50 a page at most.
func (e *Engine) serveList(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.Atoi(r.URL.Query().Get("MaxItems"))
	if err != nil || size < 1 || size > 50 {
		size = 50
	}
	w.Header().Set("X-Amzn-RequestId", newID())
	writeJSON(w, http.StatusOK, e.page(r.URL.Query().Get("Marker"), size))
}

func (e *Engine) page(after string, size int) functionPage {
	e.mu.Lock()
	defer e.mu.Unlock()
	page := functionPage{Functions: []configuration{}}
	for _, name := range slices.Sorted(maps.Keys(e.functions)) {
		if name <= after {
			continue
		}
		if len(page.Functions) == size {
			page.NextMarker = page.Functions[size-1].FunctionName
			break
		}
		page.Functions = append(page.Functions, e.functions[name].configuration())
	}
	return page
}
