package suite

import (
	"strings"
	"testing"
)

func TestList(t *testing.T) {
	l := ParseList("# of the database\n\ntests/test_db.py # one server\na.py::T::test_x[1]\n*::test_net*\n*slow # nightly #2\na.py::test #2\n")
	if len(l) != 5 || l[0].Why != "one server" || l[3].Why != "nightly #2" || l[4].Pattern != "a.py::test #2" {
		t.Fatalf("%+v", l)
	}
	for id, want := range map[string]int{
		"tests/test_db.py::test_a": 0, "tests/test_db.py": 0, "tests/test_db.pyx": -1, "tests/test_db2.py::test": -1,
		"a.py::T::test_x[1]": 1, "a.py::T::test_x[10]": -1, "b.py::test_network[a]": 2, "is slow": 3, "slow one": -1, "a.py::test #2": 4, "": -1,
	} {
		if got := l.Find(id); got != want {
			t.Errorf("%q is named by entry %d, want %d", id, got, want)
		}
	}
}

// FuzzNames: every id is named by itself, by the star, and by itself with any part made a star.
func FuzzNames(f *testing.F) {
	f.Add("a.py::test_x[a*b]", uint(3), uint(5))
	f.Add("", uint(0), uint(0))
	f.Fuzz(func(t *testing.T, id string, from, to uint) {
		if strings.Contains(id, "*") {
			return
		}
		n := uint(len(id)) + 1
		from, to = min(from%n, to%n), max(from%n, to%n)
		for _, pattern := range []string{id, "*", id[:from] + "*" + id[to:]} {
			if !(Entry{Pattern: pattern}).Names(id) {
				t.Errorf("%q does not name %q", pattern, id)
			}
		}
	})
}
