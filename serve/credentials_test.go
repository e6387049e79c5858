package serve

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
)

func TestCredentialsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	p := &process.Process{Dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(p.Dir, "half"), []byte("[a]\naws_secret_access_key = deep-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nonesuch", "half"} {
		_, err := awsCredentials(p, upOptions{credentials: name})
		var ours *assay.Error
		if !errors.As(err, &ours) || ours.Hint == "" || strings.Contains(err.Error(), "deep-secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
