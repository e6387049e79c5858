package json

import (
	"encoding/json"
	"strings"
	"testing"
)

// stricter are the reasons for which parse refuses what encoding/json takes.
var stricter = []string{"twice", "surrogate", "UTF-8", "deep", "values", "exponent"}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, -2.50e+3, "\ud83d\ude00\n", true, false, null], "": {}}`, `"\u12`, `[1,]`, `{"a" 1}`, `01`, `-`, `1e`,
		`"\ud800"`, "\"\xff\"", `nul`, ``, ` `, `{"a":1,"a":2}`, `[[[[]]]]`, `{,}`, `1 2`, "\"\x01\"", `1.`, "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		v, err := parse(doc)
		if err == nil != json.Valid(doc) && (err == nil || !containsAny(err.Error(), stricter)) {
			t.Fatalf("%q: %v, encoding/json has it %v", doc, err, json.Valid(doc))
		}
		if err != nil {
			return
		}
		again, err := parse(v.appendJSON(nil, len(doc)*8))
		if err != nil {
			t.Fatalf("%q written again: %v", doc, err)
		}
		if f := newForms(); f.of(&v, nil, bare) != f.of(&again, nil, bare) {
			t.Fatalf("%q written again is another", doc)
		}
	})
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
