package cli

import (
	"regexp"
	"testing"

	"github.com/assaylab/assay/config"
)

// TestReadmeDefinitionsLoad: what the README shows can be used as it stands. Its commands are run by
// scripts/cold-clone.
func TestReadmeDefinitionsLoad(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(mustRead(t, "../README.md"), -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no definition")
	}
	for _, b := range blocks {
		if _, err := config.Parse("README.md", b[1], config.Options{}); err != nil {
			t.Error(err)
		}
	}
}
