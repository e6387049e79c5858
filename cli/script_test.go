package cli

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the real binary on what people type, and checks what it says.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
