//go:build linux

// Package loader starts processes that do system calls before they become a program, or instead of it.
// In comes a Script, a list of system calls with their arguments; out comes a child that does them: it
// joins control groups, enters or builds namespaces, gives up privileges, and executes a program.
//
// Go cannot run its own code in a child between fork and exec, and starting Assay's binary again for
// that costs more than many functions' whole start. So the child runs a program of about 200 bytes, and
// all that it does is said here, in Go. It has no memory of Assay's and next to none of its own.
package loader

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrTooLong is the error of a script, with all its strings, that is longer than 200 KB.
var ErrTooLong = errors.New("arguments and environment are too long")

// Control is the file descriptor at which a child has the other end of its Conn.
const Control = 3

// Script is a list of system calls. The zero value is empty.
type Script struct{ steps []*Step }

// Step is one system call of a script.
type Step struct {
	what   string
	nr     uintptr
	args   []any
	may    bool
	into   *Step // whose argument number arg becomes the result
	arg    int
	keep   *Word
	branch *Step
}

// Word is memory of the child's: as an argument, its address.
type Word struct{ at uint64 }

// Words is a list of arguments in the child's memory, 8 bytes each: as an argument, its address.
type Words []any

// Do adds a system call. What it is for is said in the error if it fails, which ends the child. An
// argument is an int, a uintptr or a uint64, taken as it is; or a string, a []byte, Words or a *Word,
// whose address in the child's memory is taken. Strings end with a zero byte there.
func (s *Script) Do(what string, nr uintptr, args ...any) *Step {
	step := &Step{what: what, nr: nr, args: args}
	s.steps = append(s.steps, step)
	return step
}

// Try adds a call that may fail.
func (s *Script) Try(what string, nr uintptr, args ...any) { s.Do(what, nr, args...).may = true }

// Into makes the result an argument of a later call.
func (s *Step) Into(later *Step, arg int) { s.into, s.arg = later, arg }

// Keep stores the result.
func (s *Step) Keep(w *Word) *Step { s.keep = w; return s }

// Else makes the child go on at another call if the result is not 0, as in the parent after clone.
func (s *Step) Else(other *Step) { s.branch = other }

const (
	recordLen = 80
	endMark   = ^uint64(0)
)

// encoder lays a script out as it will be in the child's memory.
type encoder struct {
	out []byte
	err error
}

// encode writes a record of ten words for each call: its number, six arguments, the address for the
// result (0 for none), the address to go on at after a result other than 0 (0 for the next), and
// whether it may fail. A last record of all ones ends the script; data follow.
func (s *Script) encode() ([]byte, error) {
	e := &encoder{out: make([]byte, recordLen*(len(s.steps)+1))}
	address := map[*Step]uint64{}
	for i, step := range s.steps {
		address[step] = scriptAt + uint64(recordLen*i)
		if step.keep != nil {
			step.keep.at = e.put(make([]byte, 8))
		}
	}
	for i, step := range s.steps {
		record := make([]uint64, recordLen/8)
		record[0] = uint64(step.nr)
		for j, arg := range step.args {
			record[1+j] = e.value(arg)
		}
		if step.into != nil {
			record[7] = address[step.into] + 8*uint64(1+step.arg)
		} else if step.keep != nil {
			record[7] = step.keep.at
		}
		record[8] = address[step.branch]
		if step.may {
			record[9] = 1
		}
		e.words(recordLen*i, record)
	}
	e.words(recordLen*len(s.steps), []uint64{endMark})
	if len(e.out) > 200_000 { // what a socket takes at once, by default
		return nil, ErrTooLong
	}
	return e.out, e.err
}

func (e *encoder) words(at int, words []uint64) {
	for i, w := range words {
		binary.LittleEndian.PutUint64(e.out[at+8*i:], w)
	}
}

// put appends data, aligned, and returns its address.
func (e *encoder) put(data []byte) uint64 {
	at := len(e.out)
	e.out = append(e.out, data...)
	for len(e.out)%8 != 0 {
		e.out = append(e.out, 0)
	}
	return scriptAt + uint64(at)
}

func (e *encoder) value(arg any) uint64 {
	switch v := arg.(type) {
	case int:
		return uint64(v)
	case uintptr:
		return uint64(v)
	case uint64:
		return v
	case string:
		return e.put(append([]byte(v), 0))
	case []byte:
		return e.put(v)
	case *Word:
		return v.at
	case Words:
		values := make([]uint64, len(v))
		for i, item := range v {
			values[i] = e.value(item)
		}
		at := e.put(make([]byte, 8*len(values)))
		e.words(int(at-scriptAt), values)
		return at
	}
	e.err = fmt.Errorf("a %T cannot be an argument", arg)
	return 0
}

// failure says which call failed, from the loader's report.
func (s *Script) failure(report []byte) error {
	i := int(binary.LittleEndian.Uint64(report)-scriptAt) / recordLen
	errno := unix.Errno(-int64(binary.LittleEndian.Uint64(report[8:])))
	if i < 0 || i >= len(s.steps) {
		return fmt.Errorf("call %d: %w", i, errno)
	}
	return fmt.Errorf("%s: %w", s.steps[i].what, errno)
}
