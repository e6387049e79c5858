package rollout

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/assaylab/assay"
)

// alias remembers where it was routed.
type alias struct {
	leads  string
	routes []string
	err    error
}

func (a *alias) Leads(context.Context) (string, string, error) { return a.leads, "r1", a.err }

func (a *alias) Route(_ context.Context, revision, version string, others map[string]float64) error {
	a.leads = version
	a.routes = append(a.routes, fmt.Sprint(revision, version, others))
	return nil
}

func TestAnAliasIsShiftedAndGivenBack(t *testing.T) {
	a := &alias{leads: "7"}
	base := ""
	for i, share := range []float64{0.1, 0.5, 1, 0} {
		var err error
		if base, err = Shift(t.Context(), a, base, "8", share); err != nil || base != "7" {
			t.Fatalf("share %g: base %q, %v", share, base, err)
		}
		if want := []string{"r17map[8:0.1]", "r17map[8:0.5]", "r18map[]", "r17map[]"}[i]; a.routes[i] != want {
			t.Errorf("share %g: routed %s, want %s", share, a.routes[i], want)
		}
	}
}

func TestAnAliasThatCannotBeShifted(t *testing.T) {
	var e *assay.Error
	if _, err := Shift(t.Context(), &alias{leads: "8"}, "", "8", 0.1); !errors.As(err, &e) || e.Code != assay.CodeConflict {
		t.Errorf("it leads to the candidate: %v", err)
	}
	gone := errors.New("gone")
	if base, err := Shift(t.Context(), &alias{err: gone}, "7", "8", 0); !errors.Is(err, gone) || base != "7" {
		t.Errorf("%q, %v", base, err)
	}
}
