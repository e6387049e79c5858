package config

import "testing"

func TestLine(t *testing.T) {
	text := []byte("experiments:\n  a:\n    control: {url: x}\n    candidates:\n      one: {url: y}\n      two:\n        url: z\n")
	for _, c := range []struct {
		keys []string
		want int
	}{
		{[]string{"experiments", "a", "candidates", "two"}, 6},
		{[]string{"experiments", "a", "candidates", "one", "url"}, 5},
		{[]string{"experiments", "b"}, 0},
		{[]string{"experiments", "a", "control", "url", "deeper"}, 0},
	} {
		if got := Line(text, c.keys...); got != c.want {
			t.Errorf("%v stands at line %d, not at %d", c.keys, got, c.want)
		}
	}
	if got := Line([]byte("a: ["), "a"); got != 0 {
		t.Errorf("a broken file has line %d", got)
	}
}
