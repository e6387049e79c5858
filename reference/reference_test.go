package reference

import (
	"strings"
	"testing"

	"github.com/assaylab/assay/config"
)

// TestEveryKeyIsTold: what the schema knows is on the page, and each link within it leads somewhere.
func TestEveryKeyIsTold(t *testing.T) {
	page, err := Definitions(config.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| `experiments` | names, each with [experiment](#value-experiment) |", "| `budget.memory` | [size](#value-size) |", "| `traffic` | `live`, `recorded` |"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	for rest := page; ; {
		_, after, found := strings.Cut(rest, "](#")
		if !found {
			break
		}
		target, _, _ := strings.Cut(after, ")")
		if !strings.Contains(page, `<a id="`+target+`">`) {
			t.Errorf("a link leads to %s, which is not there", target)
		}
		rest = after
	}
}

func TestBrokenSchema(t *testing.T) {
	if _, err := Definitions([]byte("{")); err == nil {
		t.Error("a broken schema makes a page")
	}
}
