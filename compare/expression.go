package compare

import (
	"fmt"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/expression"
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
		d.Kind, d.Detail = assay.KindMalformed, shorten(err.Error())
	case agree:
		return nil
	}
	return []assay.Difference{d}
}

func (c condition) agree(control, other *assay.Observation) (bool, error) {
	var bodies [2][]byte
	for i, o := range []*assay.Observation{control, other} {
		body, err := Decode(o)
		if err != nil {
			return false, err
		}
		if err := c.readable(body); err != nil {
			return false, err
		}
		bodies[i] = body
	}
	return c.Agree(control, other, bodies)
}

// readable tells whether a body that the expression looks into as JSON is that, strictly: what cannot be decoded
// agrees with nothing.
func (c condition) readable(body []byte) error {
	if len(body) == 0 || !strings.Contains(c.String(), "json") {
		return nil
	}
	_, err := parse(body)
	return err
}
