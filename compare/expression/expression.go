// Package expression lets people say in one line when two observations agree. In come an expression and two
// observations; out goes whether it is true of them. It is pure.
//
// The language is that of github.com/expr-lang/expr (MIT): it is checked before it runs, has no loops but those
// over what is there, reaches nothing outside, and bounds the memory it takes; it is smaller than CEL, which
// brings protobuf and a parser generator's runtime. What tells the time is taken away: the same observations
// must agree for ever.
package expression

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/assaylab/assay"
)

// maxLength bounds an expression.
const maxLength = 4096

// Arm is what an expression sees of an observation.
type Arm struct {
	Status     int                 `expr:"status"`
	Header     map[string][]string `expr:"header"` // canonical names
	Body       string              `expr:"body"`   // its content coding undone
	JSON       any                 `expr:"json"`   // the body if it is JSON, else nil
	Fault      string              `expr:"fault"`  // its kind, "" if there was none
	Cold       bool                `expr:"cold"`
	DurationMS float64             `expr:"duration_ms"`
	MemoryMB   int                 `expr:"memory_mb"`
	CostUSD    float64             `expr:"cost_usd"`
}

type environment struct {
	Control   Arm `expr:"control"`
	Candidate Arm `expr:"candidate"`
}

// Expression is a condition on a pair of observations. It is safe for concurrent use.
type Expression struct {
	text    string
	program *vm.Program
}

// New checks an expression, which must be true or false. The error says in which column it is wrong.
func New(text string) (*Expression, error) {
	if len(text) > maxLength {
		return nil, fmt.Errorf("it is longer than %d bytes", maxLength)
	}
	program, err := expr.Compile(text, expr.Env(environment{}), expr.AsBool(), expr.DisableBuiltin("now"), expr.DisableBuiltin("date"))
	if at, ok := errors.AsType[*file.Error](err); ok {
		return nil, fmt.Errorf("column %d: %s", at.Column+1, at.Message)
	}
	if err != nil {
		return nil, err
	}
	return &Expression{text, program}, nil
}

// Agree tells whether the expression is true of two observations, whose bodies are given with their content
// coding undone. An error says that it could not be told, for example because a member is not there.
func (e *Expression) Agree(control, candidate *assay.Observation, bodies [2][]byte) (bool, error) {
	out, err := expr.Run(e.program, environment{arm(control, bodies[0]), arm(candidate, bodies[1])})
	if at, ok := errors.AsType[*file.Error](err); ok {
		return false, errors.New(at.Message)
	}
	if err != nil {
		return false, err
	}
	agree, _ := out.(bool) // checked by New
	return agree, nil
}

// String is the expression as it was written.
func (e *Expression) String() string { return e.text }

func arm(o *assay.Observation, body []byte) Arm {
	a := Arm{
		Status: o.Status, Header: o.Header, Body: string(body), JSON: document(body), Cold: o.Cold,
		DurationMS: o.Duration.Seconds() * 1000, MemoryMB: o.MaxMemoryMB, CostUSD: o.CostUSD,
	}
	if o.Fault != nil {
		a.Fault = string(o.Fault.Kind)
	}
	return a
}

func document(body []byte) any {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil
	}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}
