package assay

import (
	"context"
	"encoding/json"
)

// Kept is one thing out of a store: a trial, or a row of one of the tables that outlive trials.
type Kept struct {
	Table string          // "trial" for a trial
	Data  json.RawMessage // the trial with its bodies, or an object of the row's columns
}

// KeptTrial is the Table of a trial.
const KeptTrial = "trial"

// Archives is what a Store also implements when what it keeps can be taken out and put into another.
type Archives interface {
	// Export hands out all that is kept of an experiment, or of all if it is "", as it is at one moment: first the
	// rows, then the trials, in an order in which they can be imported.
	Export(ctx context.Context, experiment string, each func(Kept) error) error
	// Import keeps what next gives until io.EOF: all of it, or nothing if next fails. It fails with CodeConflict
	// when there is an experiment of the same name. Counts come out as they went in, to the last digit.
	Import(ctx context.Context, next func() (Kept, error)) error
}
