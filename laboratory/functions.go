package laboratory

import (
	"context"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda"
)

// Functions is the embedded engine as people may use it: what experiments need is not removed.
func (l *Laboratory) Functions() Functions { return Functions{l.engine, l} }

// Functions is the embedded engine without the power to remove what experiments need.
type Functions struct {
	*lambda.Engine
	laboratory *Laboratory
}

// Remove removes a function that no experiment names.
func (f Functions) Remove(ctx context.Context, name string) error {
	if users := f.laboratory.usersOf(name); len(users) > 0 {
		return &assay.Error{
			Code: assay.CodeConflict, What: "the function is an arm of " + strings.Join(users, ", "), Where: "function " + name,
			Hint: "delete or change the experiment first",
		}
	}
	if err := f.Engine.Remove(ctx, name); err != nil {
		return err
	}
	return f.laboratory.dropRoutes(name)
}
