package cli

import (
	"path/filepath"
	"regexp"
	"testing"

	"github.com/assaylab/assay/config"
)

// TestDocumentedDefinitionsLoad: what the README and the pages show can be used as it stands. The README's
// commands are run by scripts/cold-clone.
func TestDocumentedDefinitionsLoad(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, page := range append(pages, "../README.md") {
		for _, b := range regexp.MustCompile("(?s)```yaml\n((?:experiments|functions):.*?)```").FindAllSubmatch(mustRead(t, page), -1) {
			shown++
			if _, err := config.Parse(filepath.Base(page), b[1], config.Options{}); err != nil {
				t.Error(err)
			}
		}
	}
	if shown == 0 {
		t.Fatal("no page shows a definition")
	}
}
