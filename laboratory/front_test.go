package laboratory

import "testing"

func TestLeadsBack(t *testing.T) {
	for _, c := range []struct {
		target, front string
		want          bool
	}{
		{"http://127.0.0.1:8080", "127.0.0.1:8080", true},
		{"http://127.0.0.1:8080/", "127.0.0.1:8080", true},
		{"http://localhost:8080", "127.0.0.1:8080", true},
		{"http://localhost:8080", "[::1]:8080", true},
		{"http://[::ffff:127.0.0.1]:8080", "127.0.0.1:8080", true},
		{"http://127.0.0.1:8080", "[::]:8080", true},
		{"http://10.0.0.7:8080", "10.0.0.7:8080", true},
		{"http://127.0.0.1:8081", "127.0.0.1:8080", false},
		{"http://127.0.0.2:8080", "127.0.0.1:8080", false},
		{"http://10.0.0.8:8080", "[::]:8080", false},
		{"http://127.0.0.1:8080/routes", "127.0.0.1:8080", false}, // another path, perhaps a function's
		{"http://shop.example.com:8080", "127.0.0.1:8080", false},
		{"http://127.0.0.1:8080", "", false},
	} {
		if got := leadsBack(c.target, c.front); got != c.want {
			t.Errorf("leadsBack(%q, %q) = %v", c.target, c.front, got)
		}
	}
}
