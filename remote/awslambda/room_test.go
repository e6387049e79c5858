package awslambda

import (
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// TestRoomIsAskedFor while an answer is read, and no more is read without.
func TestRoomIsAskedFor(t *testing.T) {
	i := &imitation{body: `"` + strings.Repeat("x", 1<<20) + `"`}
	asked, most := 0, 100<<10
	ctx := assay.WithRoom(t.Context(), func(n int) bool {
		asked += n
		return asked <= most
	})
	if o := i.invoke(t, ctx); o.Fault == nil || asked > 2*most || len(o.Body) > most {
		t.Errorf("asked for %d bytes of %d, holds %d: %+v", asked, most, len(o.Body), o.Fault)
	}
}
