package config

import (
	_ "embed"
	"slices"
)

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of the files that Parse reads. It is made for editors: it
// knows every key and the form of each value; Parse alone is the judge.
func Schema() []byte { return slices.Clone(schema) }
