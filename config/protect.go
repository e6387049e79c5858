package config

import (
	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// protect reads what trials may never do.
func (r *reader) protect(n *yaml.Node, p *assay.Protect) {
	r.fields(n, "protect", fields{
		"breaker":  func(n *yaml.Node) { p.Breaker = r.breaker(n) },
		"overhead": func(n *yaml.Node) { p.Overhead = parsed(r, n, parseAtMost) },
		"errors":   func(n *yaml.Node) { v := parsed(r, n, parseLimit); p.Errors = &v },
	})
}

// breaker reads a number of faults in a row, or true or false.
func (r *reader) breaker(n *yaml.Node) int {
	if follow(n).Tag != "!!bool" {
		return r.small(n)
	}
	if r.boolean(n) {
		return 0
	}
	return -1
}

type protectFile struct {
	Breaker  any    `yaml:"breaker,omitempty"`
	Overhead string `yaml:"overhead,omitempty"`
	Errors   string `yaml:"errors,omitempty"`
}

func protectBody(p assay.Protect) *protectFile {
	if p == (assay.Protect{}) {
		return nil
	}
	f := &protectFile{Errors: formatClaim(p.Errors)}
	if p.Overhead != 0 {
		f.Overhead = "<= " + formatDuration(p.Overhead)
	}
	switch {
	case p.Breaker < 0:
		f.Breaker = false
	case p.Breaker > 0:
		f.Breaker = p.Breaker
	}
	return f
}
