package run

import "testing"

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{"a/b.py::test_x": "a/b.py::test_x", "": "''", "t[a b]": "'t[a b]'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "é": "'é'"} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
