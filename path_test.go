package assay_test

import (
	"testing"

	"github.com/assaylab/assay"
)

func TestFoldPath(t *testing.T) {
	for path, want := range map[string]string{
		"":                              "",
		"status":                        "status",
		"body:$":                        "body:$",
		"body:$.items[0].price":         "body:$.items[*].price",
		"body:$[10][2]":                 "body:$[*][*]",
		"body:$.items[*].price":         "body:$.items[*].price",
		"body:$['a[0]'][3]":             "body:$['a[0]'][*]",
		`body:$['it\'s[1]'][3]`:         `body:$['it\'s[1]'][*]`,
		`body:$["say \"[2]\""][3].b[4]`: `body:$["say \"[2]\""][*].b[*]`,
		"body:$['open[0]":               "body:$['open[0]",
		`body:$['a\`:                    `body:$['a\`,
		"body:$[":                       "body:$[",
		"body:$[12":                     "body:$[12",
		"body:$[]":                      "body:$[]",
		"body:$[1:2]":                   "body:$[1:2]",
	} {
		if got := assay.FoldPath(path); got != want {
			t.Errorf("%s becomes %s, want %s", path, got, want)
		}
	}
}

func FuzzFoldPath(f *testing.F) {
	f.Add("body:$['a[0]'][3]")
	f.Add(`body:$["\`)
	f.Fuzz(func(t *testing.T, path string) {
		if once := assay.FoldPath(path); assay.FoldPath(once) != once {
			t.Errorf("%q folds to %q, and that to %q", path, once, assay.FoldPath(once))
		}
	})
}
