package own

import (
	"log/slog"
	"sync/atomic"

	"github.com/assaylab/assay"
)

// Run gives a document to the code and returns what it wrote.
type Run func(document []byte) (answer []byte, err error)

// Comparator compares by code of the user's own.
type Comparator struct {
	Place string // of its differences, for example "command:money"
	Run   Run
	// See makes of an observation what the code may see of it.
	See func(*assay.Observation) *assay.Observation
	// Decode undoes a body's content coding.
	Decode func(*assay.Observation) ([]byte, error)
	Log    *slog.Logger

	failing atomic.Bool
}

// Compare lists the differences that the code finds, or says that it failed.
func (c *Comparator) Compare(control, other *assay.Observation) []assay.Difference {
	found, err := c.ask(control, other)
	if err != nil {
		if !c.failing.Swap(true) {
			c.Log.Warn("a comparator fails: what it should compare makes no trial", "comparator", c.Place, "error", err)
		}
		return Failed(c.Place, err)
	}
	if c.failing.Swap(false) {
		c.Log.Info("the comparator compares again", "comparator", c.Place)
	}
	return found
}

func (c *Comparator) ask(control, other *assay.Observation) ([]assay.Difference, error) {
	var bodies [2][]byte
	for i, o := range []**assay.Observation{&control, &other} {
		body, err := c.Decode(*o)
		if err != nil {
			return []assay.Difference{{Path: c.Place, Kind: assay.KindMalformed, Detail: cut(err.Error())}}, nil
		}
		plain := **o
		plain.Body = body
		*o = c.See(&plain)
		bodies[i] = (*o).Body
	}
	document, err := Question(control, other, bodies)
	if err != nil {
		return nil, err
	}
	answer, err := c.Run(document)
	if err != nil {
		return nil, err
	}
	return Answer(answer, c.Place)
}
