package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/assaylab/assay"
)

// Digest names the content of a definition: equal definitions have equal digests, whatever file they
// stand in, whichever version they are, and whatever runs behind their names at the moment.
func Digest(e assay.Experiment) string {
	e.Version, e.Since, e.State, e.Changed, e.Source, e.Digest = 0, 0, "", time.Time{}, "", ""
	e.Control.Target.Revision = ""
	e.Candidates = append([]assay.Arm{}, e.Candidates...) // a copy, and none is none, nil or not
	e.Comparators = append([]assay.ComparatorSpec{}, e.Comparators...)
	for i := range e.Comparators {
		e.Comparators[i].Revision = ""
	}
	for i := range e.Candidates {
		e.Candidates[i].Target.Revision = ""
	}
	data, err := json.Marshal(e)
	if err != nil { // NaN or infinity, which no definition without flaws has
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
