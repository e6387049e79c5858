package console

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestEveryCallIsTold: docs/json-api.md lists the calls that there are, and no others.
func TestEveryCallIsTold(t *testing.T) {
	page, err := os.ReadFile("../docs/json-api.md")
	if err != nil {
		t.Fatal(err)
	}
	c := newConsole(newFakeLab(), nil)
	calls := c.calls()
	maps.Copy(calls, c.longCalls())
	maps.Copy(calls, map[string]operation{"GET /api/v1/export": nil, "POST /api/v1/import": nil}) // only where there is an archive
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /api/v1/[^`]*)`").FindAllStringSubmatch(string(page), -1) {
		told = append(told, m[1])
	}
	slices.Sort(told)
	if want := slices.Sorted(maps.Keys(calls)); !slices.Equal(told, want) {
		t.Errorf("docs/json-api.md tells of\n%q\nand there are\n%q", told, want)
	}
}
