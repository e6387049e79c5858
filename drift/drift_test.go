package drift

import (
	"fmt"
	"strings"
	"testing"
)

// drifts of documents given in pairs "control | candidate", rendered "path kind".
func drifts(pairs ...string) string {
	var p Pair
	for _, pair := range pairs {
		a, b, _ := strings.Cut(pair, " | ")
		p.Add([]byte(a), []byte(b))
	}
	var lines []string
	for _, d := range p.Drifts() {
		lines = append(lines, d.Path+" "+d.Kind)
	}
	return strings.Join(lines, "; ")
}

func TestDrifts(t *testing.T) {
	words := func(word string) (pairs []string) {
		for i := range 20 {
			pairs = append(pairs, fmt.Sprintf(`{"state": "%s"} | {"state": "%s"}`, []string{"new", "paid"}[i%2], []string{"new", word}[i%2]))
		}
		return pairs
	}
	for _, tt := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"the same", []string{`{"a": 1, "b": [1, "x"]} | {"b": ["y", 2], "a": 2}`}, ""},
		{"a form of numbers", []string{`{"a": 1} | {"a": 1.0}`}, ""},
		{"appeared", []string{`{"a": 1} | {"a": 1, "b": {"c": 1}}`}, "$.b appeared"},
		{"vanished", []string{`{"a": 1, "b": [{"c": 1}]} | {"a": 1}`}, "$.b vanished"},
		{"another name that begins alike", []string{`{"b": 1} | {"b": 1, "a": 1, "ab": 1}`}, "$.a appeared; $.ab appeared"},
		{"another name that sorts between", []string{`{"b": 1} | {"b": 1, "a": {"c d": [1]}, "aB": 1}`}, "$.a appeared; $.aB appeared"},
		{"type", []string{`{"a": 1} | {"a": "1"}`}, "$.a type"},
		{"type of a root", []string{`[1] | {"a": 1}`}, "$ type; $.a appeared; $[*] vanished"},
		{"nullable", []string{`{"a": 1} | {"a": 1}`, `{"a": 2} | {"a": null}`}, "$.a nullable"},
		{"optional", []string{`{"a": 1} | {"a": 1}`, `{"a": 2} | {}`}, "$.a optional"},
		{"optional on both sides", []string{`{"a": 1} | {}`, `{} | {"a": 1}`}, ""},
		{"in an array", []string{`{"l": [{"a": 1}, {"a": 2}]} | {"l": [{"a": 1}, {"a": null}]}`}, "$.l[*].a nullable"},
		{"odd names", []string{`{"a b": 1} | {"a b": "x", "it's": 1}`}, `$['a b'] type; $['it\'s'] appeared`},
		{"a new word", words("settled"), "$.state enum"},
		{"the known words", words("new"), ""},
		{"free text", []string{`{"a": "one"} | {"a": "two"}`}, ""},
		{"not JSON", []string{`<a/> | {"a": 1}`, `{"a": 1} {} | {"a": 1}`}, ""},
	} {
		if got := drifts(tt.pairs...); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestCountsAreSaid(t *testing.T) {
	var p Pair
	p.Add([]byte(`{"l": [1, 2, null]}`), []byte(`{"l": ["a", 2, 3]}`))
	p.Add([]byte(`{}`), []byte(`{"l": []}`))
	p.Add([]byte(`no`), []byte(`{}`))
	got := fmt.Sprint(p.Drifts(), p.Documents(), p.Skipped)
	want := `[{$.l optional missing 1 times always there} {$.l[*] type integer 2 times, null 1 times integer 2 times, string 1 times} {$.l[*] nullable integer 2 times, null 1 times integer 2 times, string 1 times}] 2 1`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 3 * maxFields {
		fmt.Fprintf(&b, `"k%d": 1,`, i)
	}
	var p Pair
	doc := []byte("{" + strings.TrimSuffix(b.String(), ",") + "}")
	p.Add(doc, doc)
	p.Add([]byte(strings.Repeat("[", 5000)+strings.Repeat("]", 5000)), []byte("1"))
	if len(p.Control.fields) > maxFields || !p.Crowded() {
		t.Errorf("%d fields, crowded: %v", len(p.Control.fields), p.Crowded())
	}
}

func FuzzAdd(f *testing.F) {
	f.Add(`{"a": [1, {"b": null}]}`, `{"a": "x"}`)
	f.Add(`[[[1]]]`, `{"['": 1, ".": 2}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		var p, same Pair
		p.Add([]byte(a), []byte(b))
		p.Drifts()
		same.Add([]byte(a), []byte(a))
		if got := same.Drifts(); len(got) > 0 {
			t.Errorf("a document drifts from itself: %v", got)
		}
	})
}
