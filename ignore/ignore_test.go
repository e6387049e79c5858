package ignore

import "testing"

func TestOut(t *testing.T) {
	for _, c := range []struct {
		text, dir, name string
		folder, out     bool
	}{
		{"*.log", "", "a/b.log", false, true},
		{"*.log", "", "b.log", false, true},
		{"*.log\n!b.log", "", "a/b.log", false, false},
		{"!b.log\n*.log", "", "b.log", false, true},
		{"/b.log", "", "a/b.log", false, false},
		{"a/*.log", "", "a/b.log", false, true},
		{"build/", "", "build", true, true},
		{"build/", "", "build", false, false},
		{"# build\n\n", "", "build", true, false},
		{`\#build`, "", "#build", false, true},
		{"build  \r\n", "", "build", false, true},
		{"[", "", "[", false, false},
		{"*.log", "a", "a/x/b.log", false, true},
		{"*.log", "a", "ab/b.log", false, false},
		{"/b.log", "a", "a/b.log", false, true},
		{"b.log", ".", "b.log", false, true},
		{"b.log", "app/[id]", "app/[id]/b.log", false, true}, // a folder's name is no pattern
		{"b.log", "app/[id]", "app/i/b.log", false, false},
	} {
		if got := Out(Parse(c.text, c.dir), c.name, c.folder); got != c.out {
			t.Errorf("%q in %q leaves %s out: %v", c.text, c.dir, c.name, got)
		}
	}
}
