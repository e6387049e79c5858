package ship

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite/tree"
)

// FindNode returns the program that `node` is in a project's folder: what is on the PATH may be a script that chooses one.
func FindNode(ctx context.Context, project string) (string, error) {
	cmd := exec.CommandContext(ctx, "node", "--print", "process.execPath")
	cmd.Dir = project
	out, err := cmd.Output()
	if err != nil {
		return "", &assay.Error{Code: assay.CodeInvalid, What: "node cannot be run: " + err.Error(), Where: project, Hint: "install Node.js 20.6 or later, and have it on the PATH", Err: err}
	}
	return string(bytes.TrimSpace(out)), nil
}

// Node is Node.js as a layer: the program alone, where workers look for it.
func Node(program, scratch string) (Layer, error) {
	sum, err := tree.Sum(program)
	if err != nil {
		return Layer{}, err
	}
	return Layer{Name: "Node.js", Key: fmt.Sprintf("%x", sum), Write: func(w io.Writer) error {
		folder, err := os.MkdirTemp(scratch, "node-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		if err := copyFile(filepath.Join(folder, "node"), program); err != nil {
			return err
		}
		return tree.Zip(w, os.DirFS(folder), "bin/", nil)
	}}, nil
}

// What Amazon Linux 2023 has, on which AWS runs functions: libraries, and the newest versions of their symbols.
var (
	awsLibraries = []string{"libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libstdc++.so", "libgcc_s.so", "ld-linux"}
	awsSymbols   = map[string]int{"GLIBC_2.": 34, "GLIBCXX_3.4.": 29}
)

// RunsOnAWS fails with what a program needs that AWS's machines have not got.
func RunsOnAWS(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return foreign(program, err.Error())
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return foreign(program, err.Error())
	}
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return foreign(program, err.Error())
	}
	if name := lacking(libraries, symbols); name != "" {
		return foreign(program, "it needs "+name)
	}
	return nil
}

// lacking is a library or a version of symbols that AWS has not got; "" for none.
func lacking(libraries []string, symbols []elf.ImportedSymbol) string {
	for _, name := range libraries {
		if !slices.ContainsFunc(awsLibraries, func(p string) bool { return strings.HasPrefix(name, p) }) {
			return name
		}
	}
	for _, s := range symbols {
		for prefix, newest := range awsSymbols {
			rest, ok := strings.CutPrefix(s.Version, prefix)
			minor, _, _ := strings.Cut(rest, ".")
			if n, err := strconv.Atoi(minor); ok && err == nil && n > newest {
				return s.Version
			}
		}
	}
	return ""
}

func foreign(program, why string) error {
	return &assay.Error{Code: assay.CodeInvalid, What: "this Node.js does not run on AWS: " + why, Where: program, Hint: "use Node.js as nodejs.org publishes it for Linux"}
}
