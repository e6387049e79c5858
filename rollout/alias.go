package rollout

import (
	"context"
	"fmt"

	"github.com/assaylab/assay"
)

// Alias is a name of a Lambda function whose invocations can be divided between versions.
type Alias interface {
	// Leads tells which version it leads to, and the revision of that.
	Leads(context.Context) (version, revision string, err error)
	// Route lets it lead to a version, and to others by their shares, unless it is at another revision by now.
	Route(ctx context.Context, revision, version string, others map[string]float64) error
}

// Shift lets a version serve a share of an alias's invocations, from 0 to 1, and base the rest. Base may be ""
// before the first shift: it is the version that the alias leads to then, and is returned. It fails with
// CodeConflict when that is the version itself already, and nobody knows where the alias led before.
func Shift(ctx context.Context, a Alias, base, version string, share float64) (string, error) {
	leads, revision, err := a.Leads(ctx)
	if err != nil {
		return base, err
	}
	if base == "" {
		if leads == version {
			return "", &assay.Error{
				Code: assay.CodeConflict, What: fmt.Sprintf("the alias leads to version %s, the candidate, already", version),
				Hint: "point it to the control's version first",
			}
		}
		base = leads
	}
	to, others := base, map[string]float64{}
	switch {
	case share >= 1:
		to = version
	case share > 0:
		others[version] = share
	}
	return base, a.Route(ctx, revision, to, others)
}
