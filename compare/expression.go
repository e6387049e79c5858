package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/decimal"
	"github.com/assaylab/assay/compare/expression"
	"github.com/assaylab/assay/compare/json"
	"github.com/assaylab/assay/compare/report"
)

// condition is a comparator of the user's own.
type condition struct {
	name string
	*expression.Expression
}

func newCondition(spec assay.ComparatorSpec) (assay.Comparator, []assay.Flaw) {
	var flaws []assay.Flaw
	if spec.Name == "" {
		flaws = append(flaws, assay.Flaw{Path: []string{"name"}, What: "the expression has no name", Hint: "differences are called by it: {name: total, expect: …}"})
	}
	e, err := expression.New(spec.Expect)
	if err != nil {
		flaws = append(flaws, assay.Flaw{
			Path: []string{"expect"}, What: fmt.Sprintf("%q cannot be told to be true or false: %v", spec.Expect, err),
			Hint: `for example "candidate.json.total <= control.json.total * 1.01"`,
		})
	}
	return condition{spec.Name, e}, flaws
}

// Compare has one difference where the expression is not true, and one of another kind where nobody can tell.
func (c condition) Compare(control, other *assay.Observation) []assay.Difference {
	d := assay.Difference{Path: "expression:" + c.name, Kind: assay.KindValue, Detail: "not so: " + c.String()}
	agree, err := c.agree(control, other)
	switch {
	case err != nil:
		d.Kind, d.Detail = assay.KindMalformed, report.Shorten(err.Error())
	case agree:
		return nil
	}
	return []assay.Difference{d}
}

func (c condition) agree(control, other *assay.Observation) (bool, error) {
	var bodies [2]expression.Body
	for i, o := range []*assay.Observation{control, other} {
		body, err := Decode(o)
		if err != nil {
			return false, err
		}
		document, err := c.document(body)
		if err != nil {
			return false, err
		}
		bodies[i] = expression.Body{Text: body, JSON: document}
	}
	return c.Agree(control, other, bodies)
}

// document reads a body that the expression looks into as JSON, strictly: what cannot be decoded agrees with
// nothing.
func (c condition) document(body []byte) (any, error) {
	if len(body) == 0 || !strings.Contains(c.String(), "json") {
		return nil, nil
	}
	return json.Read(body, exactNumber)
}

var errInexact = fmt.Errorf("a number is neither an integer of 64 bits nor a decimal below %d of so few digits that an expression holds it exactly", expression.MaxDecimal)

// exactNumber is a number as an expression has them; an error if it cannot hold it exactly.
func exactNumber(literal string) (any, error) {
	d := decimal.Parse(literal)
	if n, ok := d.Int64(); ok {
		return int(n), nil
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || math.Abs(f) >= expression.MaxDecimal || decimal.Parse(strconv.FormatFloat(f, 'g', -1, 64)) != d {
		return nil, errInexact
	}
	return f, nil
}
