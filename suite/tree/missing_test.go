package tree

import (
	"slices"
	"testing"
)

// TestMissing: what a test misses is found among what was left out, and nothing else is.
func TestMissing(t *testing.T) {
	s := &Snapshot{LeftOut: []string{"data.bin", "helper.py", "pkg/gen", "lib/index.js", "a/testdata/large.txt", "build"}}
	for text, want := range map[string]string{
		"FileNotFoundError: [Errno 2] No such file or directory: 'data.bin'":                "data.bin",
		"No such file or directory: '/tmp/trees/0af3/data.bin'":                             "data.bin",
		"ModuleNotFoundError: No module named 'helper'":                                     "helper.py",
		"No module named 'pkg.gen.deep'":                                                    "pkg/gen",
		"ImportError: cannot import name 'gen' from 'pkg' (/tmp/x/pkg/__init__.py)":         "pkg/gen",
		"Error: Cannot find module '../lib'\nRequire stack:":                                "lib/index.js",
		"open testdata/large.txt: no such file or directory":                                "a/testdata/large.txt",
		"Error: ENOENT: no such file or directory, open '/tmp/trees/0af3/build/out/a.json'": "build",
		"sh: 0: cannot open build/run.sh: No such file or directory":                        "build",
		"No module named 'helpers'":                                                         "",
		"assert 'data.bin' == 'x'":                                                          "",
		"No such file or directory: 'mydata.bin'":                                           "",
	} {
		got := s.Missing(text)
		if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
