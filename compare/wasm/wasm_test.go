package wasm_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare/own"
	"github.com/assaylab/assay/compare/wasm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// built is the module of testdata, compiled by Go as a user would.
func built(t testing.TB) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "comparator.wasm")
	cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, "./testdata/comparator")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func compiled(t testing.TB, c *wasm.Compiler, code []byte, spec assay.ComparatorSpec) *wasm.Module {
	t.Helper()
	m, flaw := c.Compile(spec, code)
	if flaw != nil {
		t.Fatal(flaw.What)
	}
	return m
}

// TestModules has modules of a few instructions do what modules may and may not.
func TestModules(t *testing.T) {
	c := wasm.New()
	defer c.Close()
	big := strings.Repeat("x", 100_000)
	for _, tt := range []struct{ name, code, document, want string }{
		{"echoes what it reads", read + write, big, big},
		{"writes nothing", "", "", ""},
		{"exits", "\x41\x03\x10\x02", "", "error: it ended with exit status 3, and 0 bytes on its stderr"},
		{"exits in peace", "\x41\x00\x10\x02", "", ""},
		{"traps", "\x00", "", "error: it broke down: module[] function[_start] failed: wasm error: unreachable"},
		{"never ends", "\x03\x40\x0c\x00\x0b", "", "error: it did not end within 200ms"},
		{"writes without end", read + "\x03\x40" + write + "\x0c\x00\x0b", big, "error: it did not end within 200ms"},
		{"writes much", read + strings.Repeat(write, 11), big, fmt.Sprintf("error: it wrote more than %d bytes", own.MaxAnswer)},
		// memory.grow by 16 pages of 64 kB to the two there are: refused, at a limit of 1 MB, with -1, which is dropped.
		{"cannot have more memory", "\x41\x10\x40\x00\x41\x7f\x46\x04\x40\x41\x07\x10\x02\x0b", "", "error: it ended with exit status 7, and 0 bytes on its stderr"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := compiled(t, c, module(tt.code), assay.ComparatorSpec{Timeout: 200 * time.Millisecond, MemoryMB: 1})
			text, err := m.Run([]byte(tt.document))
			got := string(text)
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != tt.want {
				t.Errorf("got %.200q, want %.200q", got, tt.want)
			}
		})
	}
	for _, code := range []string{"", "no module", string(module("\xff")[:40])} {
		if _, flaw := c.Compile(assay.ComparatorSpec{}, []byte(code)); flaw == nil || flaw.Path[0] != "code" {
			t.Errorf("%q: %+v", code, flaw)
		}
	}
}

// TestInstancesShareNothing: many compare at once.
func TestInstancesShareNothing(t *testing.T) {
	c := wasm.New()
	defer c.Close()
	m := compiled(t, c, module(read+write), assay.ComparatorSpec{Timeout: 10 * time.Second})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			want := strings.Repeat(fmt.Sprint(i), 1000)
			if text, err := m.Run([]byte(want)); string(text) != want {
				t.Errorf("%.20q, %v", text, err)
			}
		})
	}
	all.Wait()
}

// read and write are instructions that call fd_read(0, 0, 1, 8) and fd_write(1, 0, 1, 16): the vector at 0
// says that 100,000 bytes from 1,024 on are there, and what was read is made its length.
const (
	read  = "\x41\x00\x41\x00\x41\x01\x41\x08\x10\x00\x1a" + "\x41\x04\x41\x08\x28\x02\x00\x36\x02\x00"
	write = "\x41\x01\x41\x00\x41\x01\x41\x10\x10\x01\x1a"
)

// module is a WebAssembly module that imports fd_read, fd_write and proc_exit of WASI, has two pages of memory,
// and exports it and _start, whose body is the instructions.
func module(body string) []byte {
	section := func(id byte, parts ...string) string {
		all := leb(len(parts)) + strings.Join(parts, "")
		return string(id) + leb(len(all)) + all
	}
	imported := func(name string, kind byte) string {
		return text("wasi_snapshot_preview1") + text(name) + "\x00" + string(kind)
	}
	code := "\x00" + body + "\x0b"
	return []byte("\x00asm\x01\x00\x00\x00" +
		section(1, "\x60\x04\x7f\x7f\x7f\x7f\x01\x7f", "\x60\x01\x7f\x00", "\x60\x00\x00") +
		section(2, imported("fd_read", 0), imported("fd_write", 0), imported("proc_exit", 1)) +
		section(3, "\x02") +
		section(5, "\x00\x02") +
		section(7, text("memory")+"\x02\x00", text("_start")+"\x00\x03") +
		section(10, leb(len(code))+code) +
		section(11, "\x00\x41\x00\x0b"+text("\x00\x04\x00\x00\xa0\x86\x01\x00")))
}

func text(s string) string { return leb(len(s)) + s }

// leb is a number as WebAssembly writes it (LEB128).
func leb(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }

// BenchmarkRun is a comparison by a module of a few instructions, and by one made by Go, whose runtime starts
// each time: that takes 0.1 ms and some 10 ms.
func BenchmarkRun(b *testing.B) {
	c := wasm.New()
	defer c.Close()
	b.Run("small", func(b *testing.B) {
		m := compiled(b, c, module(read+write), assay.ComparatorSpec{})
		for b.Loop() {
			if text, err := m.Run([]byte("[]")); string(text) != "[]" {
				b.Fatal(string(text), err)
			}
		}
	})
	b.Run("go", func(b *testing.B) {
		m := compiled(b, c, built(b), assay.ComparatorSpec{Timeout: 10 * time.Second})
		for b.Loop() {
			text, err := m.Run([]byte(`{"control": {"body": "a"}, "candidate": {"body": "b"}}`))
			if string(text) != `[{"path":"text","control":"a","candidate":"b"}]` {
				b.Fatal(string(text), err)
			}
		}
	})
}
