// Package expression lets people say in one line when two observations agree. In come an expression and two
// observations; out goes whether it is true of them. It is pure.
//
// The language is that of github.com/expr-lang/expr (MIT): it is checked before it runs and reaches nothing
// outside; it is smaller than CEL, which brings protobuf and a parser generator's runtime. What it does not
// bound is bounded here: predicates do not stand within one another, and documents have few items. What
// tells the time, or lists a map in no certain order, is taken away: the same observations must agree for
// ever. Numbers are exact, see numbers.go.
package expression

import (
	"errors"
	"fmt"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/assaylab/assay"
)

const (
	// maxLength bounds an expression.
	maxLength = 4096
	// maxItems bounds the values in a document: an expression may look at each for each.
	maxItems = 2000
)

// uncertain are the functions whose result is not always the same.
var uncertain = []string{"now", "date", "keys", "values", "toPairs"}

// inexact are those that round what they add up; sum(…) / len(…) is a mean that does not.
var inexact = []string{"mean", "median"}

var (
	errNested = errors.New("a predicate stands within another: all, any, filter and the like cannot be nested")
	errItems  = fmt.Errorf("a body has more than %d values, too many for an expression", maxItems)
	errValue  = errors.New("a value is missing, or is of another type than the expression takes")
)

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
	var program *vm.Program
	nested := &nesting{}
	options := []expr.Option{expr.Env(environment{}), expr.AsBool(), expr.Patch(nested)}
	for _, name := range slices.Concat(uncertain, inexact) {
		options = append(options, expr.DisableBuiltin(name))
	}
	_, err := expr.Compile(text, options...) // what is wrong with it as it was written
	if err == nil {
		program, err = expr.Compile(text, append(options, arithmetic()...)...)
	}
	if at, ok := errors.AsType[*file.Error](err); ok {
		return nil, fmt.Errorf("column %d: %s", at.Column+1, at.Message)
	}
	if err != nil {
		return nil, err
	}
	if nested.found {
		return nil, errNested
	}
	return &Expression{text, program}, nil
}

// nesting finds predicates within predicates.
type nesting struct{ found bool }

// Visit implements ast.Visitor.
func (n *nesting) Visit(node *ast.Node) {
	if p, ok := (*node).(*ast.PredicateNode); ok {
		inner := &predicates{}
		ast.Walk(&p.Node, inner)
		n.found = n.found || inner.count > 0
	}
}

// predicates counts them.
type predicates struct{ count int }

// Visit implements ast.Visitor.
func (p *predicates) Visit(node *ast.Node) {
	if _, ok := (*node).(*ast.PredicateNode); ok {
		p.count++
	}
}

// Body is what an expression sees of a body.
type Body struct {
	Text []byte // its content coding undone
	JSON any    // the document, nil if it is none: integers are int, other numbers float64 (see MaxDecimal)
}

// Agree tells whether the expression is true of two observations with these bodies. An error says that it could not be told, without quoting a value: it may be a secret.
func (e *Expression) Agree(control, candidate *assay.Observation, bodies [2]Body) (bool, error) {
	env := environment{arm(control, bodies[0]), arm(candidate, bodies[1])}
	if items(env.Control.JSON)+items(env.Candidate.JSON) > maxItems {
		return false, errItems
	}
	out, err := expr.Run(e.program, env)
	if errors.Is(err, errInexact) {
		return false, errInexact
	}
	if err != nil {
		return false, errValue
	}
	agree, _ := out.(bool) // checked by New
	return agree, nil
}

// items counts the values in a document.
func items(v any) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			n += items(item)
		}
	case map[string]any:
		for _, member := range v {
			n += items(member)
		}
	}
	return n
}

// String is the expression as it was written.
func (e *Expression) String() string { return e.text }

func arm(o *assay.Observation, body Body) Arm {
	a := Arm{
		Status: o.Status, Header: o.Header, Body: string(body.Text), JSON: body.JSON, Cold: o.Cold,
		DurationMS: o.Duration.Seconds() * 1000, MemoryMB: o.MaxMemoryMB, CostUSD: o.CostUSD,
	}
	if o.Fault != nil {
		a.Fault = string(o.Fault.Kind)
	}
	return a
}
