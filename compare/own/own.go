// Package own lets code of the user's own compare. In come two observations and a way to run the code; out
// go the differences that the code found, or one that says that it failed. The rooms command and wasm run it.
//
// The code reads one JSON document and writes one, a list of differences, which is empty when it finds
// the two alike:
//
//	{"control": {"status": 200, "header": {"Content-Type": ["text/plain"]}, "body": "a"}, "candidate": {...}}
//	[{"path": "$.total", "kind": "value", "control": "1.00", "candidate": "1.01", "detail": "more than a cent"}]
//
// All members of a difference may be left out. Whatever else it does has failed to compare.
package own

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

// What an answer may have.
const (
	MaxAnswer      = 1 << 20 // bytes
	maxDifferences = 1000
	maxPath        = 1024 // bytes
	maxText        = 200  // runes of a rendering, or detail; the rest is cut off
)

// kinds are those that the code may choose; it cannot fail in Assay's name.
var kinds = []assay.Kind{
	assay.KindValue, assay.KindType, assay.KindMissing, assay.KindExtra, assay.KindLength, assay.KindSize, assay.KindPixels,
	assay.KindMalformed, assay.KindLimit,
}

// Arm is what the code is told of an observation.
type Arm struct {
	Status     int                 `json:"status,omitempty"`
	Header     map[string][]string `json:"header,omitempty"`      // canonical names
	Body       *string             `json:"body,omitempty"`        // its content coding undone; if it is text
	BodyBase64 []byte              `json:"body_base64,omitempty"` // if it is not
	Fault      *assay.Fault        `json:"fault,omitempty"`
	Cold       bool                `json:"cold,omitempty"`
	DurationMS float64             `json:"duration_ms"`
	MemoryMB   int                 `json:"memory_mb,omitempty"`
	CostUSD    float64             `json:"cost_usd,omitempty"`
}

// Question is the document for two observations, whose bodies are given with their content coding undone.
func Question(control, candidate *assay.Observation, bodies [2][]byte) ([]byte, error) {
	return json.Marshal(map[string]Arm{"control": arm(control, bodies[0]), "candidate": arm(candidate, bodies[1])})
}

func arm(o *assay.Observation, body []byte) Arm {
	a := Arm{
		Status: o.Status, Header: o.Header, Fault: o.Fault, Cold: o.Cold,
		DurationMS: o.Duration.Seconds() * 1000, MemoryMB: o.MaxMemoryMB, CostUSD: o.CostUSD,
	}
	if utf8.Valid(body) {
		text := string(body)
		a.Body = &text
	} else {
		a.BodyBase64 = body
	}
	return a
}

// Answer reads what the code wrote. Differences are at the place, for example "command:money", and further
// on at "command:money:$.total". The error quotes nothing: what it would quote may be a secret.
func Answer(text []byte, place string) ([]assay.Difference, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("it wrote nothing; [] says that there is no difference")
	}
	if !utf8.Valid(text) {
		return nil, errors.New("what it wrote is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var all []struct {
		Path, Control, Candidate, Detail string
		Kind                             assay.Kind
	}
	if err := dec.Decode(&all); err != nil || all == nil {
		return nil, errors.New("what it wrote is no list of differences: [{path, kind, control, candidate, detail}]")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it wrote more than one document")
	}
	if len(all) > maxDifferences {
		return nil, fmt.Errorf("it found %d differences, more than %d", len(all), maxDifferences)
	}
	var found []assay.Difference
	for i, d := range all {
		if d.Kind == "" {
			d.Kind = assay.KindValue
		}
		if !slices.Contains(kinds, d.Kind) {
			return nil, fmt.Errorf("difference %d has a kind that is not known", i)
		}
		if len(d.Path) > maxPath {
			return nil, fmt.Errorf("difference %d has a path of more than %d bytes", i, maxPath)
		}
		at := place
		if d.Path != "" {
			at += ":" + d.Path
		}
		found = append(found, assay.Difference{Path: at, Kind: d.Kind, Control: cut(d.Control), Candidate: cut(d.Candidate), Detail: cut(d.Detail)})
	}
	slices.SortStableFunc(found, func(a, b assay.Difference) int { return strings.Compare(a.Path, b.Path) })
	return found, nil
}

// Failed is the difference that says that there was no comparison.
func Failed(place string, err error) []assay.Difference {
	return []assay.Difference{{Path: place, Kind: assay.KindFailed, Detail: cut(err.Error())}}
}

func cut(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxText {
			return s[:i] + "…"
		}
	}
	return s
}

// Output takes what the code writes: the first MaxAnswer bytes are kept, all are counted.
type Output struct {
	Size int
	text []byte
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.Size += len(p)
	o.text = append(o.text, p[:min(len(p), MaxAnswer-len(o.text))]...)
	return len(p), nil
}

// Text is all that was written; too much is an error.
func (o *Output) Text() ([]byte, error) {
	if o.Size > MaxAnswer {
		return nil, fmt.Errorf("it wrote more than %d bytes", MaxAnswer)
	}
	return o.text, nil
}
