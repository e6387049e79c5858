package ship

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assaylab/assay"
)

// TestNode: the program is in the layer, under its own name, and known by its content.
func TestNode(t *testing.T) {
	program := filepath.Join(t.TempDir(), "node20")
	if err := os.WriteFile(program, []byte("one"), 0o755); err != nil {
		t.Fatal(err)
	}
	one, err := Node(program, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := one.Write(&out); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "bin/node" || z.File[0].Mode().Perm() != 0o755 {
		t.Fatalf("%v: %+v", err, z)
	}
	if err := os.WriteFile(program, []byte("two"), 0o755); err != nil {
		t.Fatal(err)
	}
	if two, err := Node(program, t.TempDir()); err != nil || two.Key == one.Key {
		t.Errorf("%v: another program has the key %s too", err, one.Key)
	}
}

// TestRunsOnAWS: what is no program of Linux's is refused, and so is one that needs more than is there.
func TestRunsOnAWS(t *testing.T) {
	var known *assay.Error
	if err := RunsOnAWS("node_test.go"); !errors.As(err, &known) || known.Hint == "" {
		t.Errorf("a text: %v", err)
	}
	for _, c := range []struct{ library, symbols, lacks string }{
		{"libc.so.6", "GLIBC_2.34", ""},
		{"libc.so.6", "GLIBC_2.2.5", ""},
		{"libc.so.6", "GLIBC_2.38", "GLIBC_2.38"},
		{"libstdc++.so.6", "GLIBCXX_3.4.30", "GLIBCXX_3.4.30"},
		{"libuv.so.1", "", "libuv.so.1"},
	} {
		if got := lacking([]string{c.library}, []elf.ImportedSymbol{{Version: c.symbols}}); got != c.lacks {
			t.Errorf("%s with %s lacks %q, want %q", c.library, c.symbols, got, c.lacks)
		}
	}
}
