// Package process is what commands touch of the process they run in. In come its environment, streams and
// folder, and errors; out go tables, complaints and exit codes.
package process

import (
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Process is everything a command touches of the process it runs in, so that tests run many at once.
type Process struct {
	Args   []string // without the program's name
	Env    func(string) (string, bool)
	Dir    string // relative paths start here
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Absolute is a path that people gave, from the root.
func (p *Process) Absolute(path string) string { return Absolute(p.Dir, path) }

// Absolute is a path from the root; a relative one starts in dir.
func Absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Environ is the environment as children get it: NAME=VALUE.
func (p *Process) Environ() []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if value, ok := p.Env(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Setting is what a flag says, or else a variable of the environment, or else the fallback.
func (p *Process) Setting(flag, variable, fallback string) string {
	if flag != "" {
		return flag
	}
	if v, ok := p.Env(variable); ok && v != "" {
		return v
	}
	return fallback
}
