package gotests

import (
	"slices"
	"strings"
	"testing"
)

// TestArguments: the project's packages are added where none is named.
func TestArguments(t *testing.T) {
	for args, want := range map[string]string{
		"":                         "./...",
		"-run X/y -short":          "./... -run X/y -short",
		"-run X ./a -v":            "-run X ./a -v",
		"--race ./a/...":           "--race ./a/...",
		"-run=X -args ./not/these": "./... -run=X -args ./not/these",
	} {
		all, _ := Arguments(strings.Fields(args))
		if got := strings.Join(all, " "); got != want {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
	if got := BuildFlags(strings.Fields("-run X -tags a,b -race -mod=vendor ./a -args -tags c")); !slices.Equal(got, strings.Fields("-tags a,b -race -mod=vendor")) {
		t.Errorf("build flags %q", got)
	}
}

// TestChoose: patterns are read as package testing reads them, and what makes no sense for single tests is
// left out.
func TestChoose(t *testing.T) {
	c, kept := Choose(strings.Fields(`-test.paniconexit0 -test.timeout=10m0s -test.run=A/x|^B$|C[/|]/y -test.skip=Bad|Sub/z -test.short=true -test.failfast=true mine -test.run=no`))
	if got := strings.Join(kept, " "); got != "-test.paniconexit0 -test.skip=Bad|Sub/z -test.short=true mine -test.run=no" || !c.FailFast {
		t.Errorf("kept %q, fail fast %v", got, c.FailFast)
	}
	for test, want := range map[string]string{"TestA": "^TestA$/x", "B": "", "TestC|": "^TestC\\|$/y", "TestD": "none", "ABad": "none", "ASub": "^ASub$/x"} {
		run, ok := c.Pattern(test)
		if !ok {
			run = "none"
		}
		if run != want {
			t.Errorf("%s: %q, want %q", test, run, want)
		}
	}
}
