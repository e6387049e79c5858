package runtimeapi

import (
	"encoding/json"
	"math"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

const (
	headerCause = "Lambda-Runtime-Function-Xray-Error-Cause" // canonical; runtimes write XRay, too
	typeCause   = "application/vnd.aws.lambda.error.cause+json"

	invalidBody = `"Invalid error body"`
)

// readError is the answer in a posted error. A body that carries the cause for X-Ray is given without
// it, as plain JSON.
func readError(r *http.Request) Answer {
	body, whole, err := readBody(r, nil)
	if err != nil || !whole {
		body = []byte(invalidBody)
	}
	contentType := r.Header.Get("Content-Type")
	cause := []byte(r.Header.Get(headerCause))
	if contentType == typeCause {
		contentType = "application/json"
		body, cause = splitCause(body)
		if string(body) == invalidBody {
			contentType = "application/octet-stream"
		}
	}
	a := functionError(r.Header.Get(headerErrorType), body)
	if contentType != "" {
		a.ContentType = contentType
	}
	a.ErrorCause = cropCause(cause)
	return a
}

// splitCause takes what is meant for X-Ray alone out of an error.
func splitCause(body []byte) (rest, cause []byte) {
	var e struct {
		ErrorBody
		StackTrace []json.RawMessage `json:"stackTrace,omitempty"`
		Cause      json.RawMessage   `json:"errorCause,omitempty"`
	}
	if json.Unmarshal(body, &e) != nil {
		return []byte(invalidBody), nil
	}
	cause, e.Cause = e.Cause, nil
	rest, _ = json.Marshal(e) // was JSON before
	return rest, cause
}

// functionError is the answer of a function that failed. The type its body names is the function's
// own; the header's is what AWS sorts it by.
func functionError(errorType string, body []byte) Answer {
	var e ErrorBody
	json.Unmarshal(body, &e) // a body in another shape names nothing
	known := knownErrorType(errorType)
	if e.Type == "" {
		e.Type = known
	}
	return Answer{
		ContentType: "application/json", Body: body, ErrorType: known,
		Fault: &assay.Fault{Kind: assay.FaultFunction, Type: e.Type, Message: e.Message},
	}
}

var errorTypes = regexp.MustCompile(`^(Runtime|Function)\.[A-Z][a-zA-Z]+$`)

// knownErrorType is the error-type rule of the Runtime API.
func knownErrorType(s string) string {
	switch {
	case errorTypes.MatchString(s):
		return s
	case strings.HasPrefix(s, "Function."):
		return "Function.Unknown"
	}
	return "Runtime.Unknown"
}

// maxCause is what X-Ray takes.
const maxCause = 64 << 10

// errorCause is the cause of an error as X-Ray documents it. Fields of no known name are dropped.
type errorCause struct {
	Exceptions []exception `json:"exceptions"`
	WorkingDir string      `json:"working_directory"`
	Paths      []string    `json:"paths"`
	Message    string      `json:"message,omitempty"`
}

type exception struct {
	Message string  `json:"message,omitempty"`
	Type    string  `json:"type,omitempty"`
	Stack   []frame `json:"stack,omitempty"`
}

type frame struct {
	Path  string `json:"path,omitempty"`
	Line  int    `json:"line,omitempty"`
	Label string `json:"label,omitempty"`
}

// cropCause checks a cause, and shortens it until X-Ray would take it: its lists and texts to 0.8, 0.6,
// 0.4 and 0.2 of their length, and then to nothing but the texts' beginnings. It is nil when it says
// nothing that X-Ray could use.
func cropCause(text []byte) []byte {
	var c errorCause
	if len(text) == 0 || json.Unmarshal(text, &c) != nil {
		return nil
	}
	if len(c.Exceptions) == 0 && c.WorkingDir == "" && len(c.Paths) == 0 && c.Message == "" {
		return nil
	}
	for _, factor := range []float64{1, 0.8, 0.6, 0.4, 0.2, 0} {
		cropped, err := json.Marshal(c.cropped(factor))
		if err == nil && len(cropped) <= maxCause {
			return cropped
		}
	}
	return nil // cannot be: at 0 it is short
}

// maxCauseText is what each text may have when a cause is too large.
const maxCauseText = 4 << 10

func (c errorCause) cropped(factor float64) errorCause {
	if factor == 1 {
		return c
	}
	keep := func(n int) int { return int(math.Ceil(float64(n) * factor)) }
	out := errorCause{
		WorkingDir: cropText(c.WorkingDir, maxCauseText), Message: cropText(c.Message, maxCauseText),
		Paths: c.Paths[:keep(len(c.Paths))],
	}
	for _, e := range c.Exceptions[:keep(len(c.Exceptions))] {
		e.Message, e.Type = cropText(e.Message, maxCauseText), cropText(e.Type, maxCauseText)
		e.Stack = e.Stack[:keep(len(e.Stack))]
		out.Exceptions = append(out.Exceptions, e)
	}
	return out
}

// cropText cuts a text to at most n bytes, between characters.
func cropText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
