// Package gotests tells the tests of Go packages from their sources, as `go test` does, without running
// anything. In come what `go list` says and the arguments of `go test`; out go tests, and which of them
// the arguments choose.
package gotests

import (
	"cmp"
	"encoding/json"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Package is a package by `go list -json`.
type Package struct {
	Dir, ImportPath           string
	TestGoFiles, XTestGoFiles []string
}

// Packages reads the output of `go list -json`. What it says before and between is left out.
func Packages(list string) (all []Package, err error) {
	at := strings.Index(list, "{\n")
	if at < 0 {
		return nil, errors.New("no package")
	}
	for dec := json.NewDecoder(strings.NewReader(list[at:])); ; {
		var p Package
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return all, err
		}
		all = append(all, p)
	}
}

// Test is a function that `go test` runs: a test, a fuzz target (with its corpus), or an example that has
// an output.
type Test struct {
	Name string
	File string // in the package's folder
	Line int
}

// Listed are the tests of a package, in the order in which its binary runs them.
type Listed struct {
	Tests []Test
	Main  bool // the package has a TestMain
}

// Tests reads the package's test files.
func (p Package) Tests() (l Listed, err error) {
	var tests, fuzz, examples []Test
	for _, file := range slices.Concat(p.TestGoFiles, p.XTestGoFiles) {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, filepath.Join(p.Dir, file), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return l, err
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			t := Test{fn.Name.Name, file, set.Position(fn.Pos()).Line}
			switch {
			case t.Name == "TestMain" && takes(fn, "M"):
				l.Main = true
			case named(t.Name, "Test") && takes(fn, "T"):
				tests = append(tests, t)
			case named(t.Name, "Fuzz") && takes(fn, "F"):
				fuzz = append(fuzz, t)
			}
		}
		examples = append(examples, exampled(set, f, file)...)
	}
	l.Tests = slices.Concat(tests, fuzz, examples)
	return l, nil
}

// exampled are a file's examples with an output, in their order.
func exampled(set *token.FileSet, f *ast.File, file string) (all []Test) {
	examples := doc.Examples(f)
	slices.SortFunc(examples, func(a, b *doc.Example) int { return cmp.Compare(a.Order, b.Order) })
	for _, e := range examples {
		if e.Output != "" || e.EmptyOutput {
			all = append(all, Test{"Example" + e.Name, file, set.Position(e.Code.Pos()).Line})
		}
	}
	return all
}

// named tells whether a function's name makes it a test: TestX, Test_x or Test, but not Testing.
func named(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok || rest == "" {
		return ok
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return !unicode.IsLower(r)
}

// takes tells whether a function takes one pointer to a type of the name, and returns nothing.
func takes(fn *ast.FuncDecl, kind string) bool {
	params := fn.Type.Params.List
	if fn.Recv != nil || fn.Type.TypeParams != nil || fn.Type.Results != nil && len(fn.Type.Results.List) > 0 || len(params) != 1 || len(params[0].Names) > 1 {
		return false
	}
	ptr, ok := params[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	switch x := ptr.X.(type) {
	case *ast.Ident:
		return x.Name == kind
	case *ast.SelectorExpr:
		return x.Sel.Name == kind
	}
	return false
}
