package pack

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// architectures are AWS's words for Go's.
var architectures = map[string]string{"x86_64": "amd64", "arm64": "arm64"}

// golang builds the program bootstrap of a folder of a Go module.
func (p *Packer) golang(ctx context.Context, s Source) (*recipe, error) {
	program := goProgram(s)
	sources, _ := filepath.Glob(filepath.Join(s.Path, program, "*.go"))
	module := moduleOf(s.Path)
	if len(sources) == 0 || module == "" {
		return nil, nil
	}
	tool, err := p.tool(s, "go", "the folder holds the source of a Go program", "build bootstrap elsewhere")
	if err != nil {
		if exists(filepath.Join(s.Path, "bootstrap")) {
			return nil, nil
		}
		return nil, err
	}
	version, err := p.run(ctx, s, command{dir: s.Path, args: []string{tool, "env", "GOVERSION", "GOFLAGS", "GOEXPERIMENT", "GOAMD64"}})
	if err != nil {
		return nil, err
	}
	arch := cmp.Or(architectures[s.Architecture], s.Architecture, runtime.GOARCH)
	return &recipe{
		name: "go build", tool: version + arch, fresh: module != s.Path || leadsOut(module),
		skip: []string{"/bootstrap"}, replaced: []string{"*.go", "go.mod", "go.sum", "/vendor", "testdata"},
		make: func(ctx context.Context, b bench) error {
			_, err := b.run(ctx, s, command{
				dir: s.Path, env: []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + arch},
				args: []string{tool, "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", filepath.Join(b.out, "bootstrap"), "./" + program},
			})
			return err
		},
	}, nil
}

// goProgram is the folder of the program within the code: "." unless the handler names another.
func goProgram(s Source) string {
	at := filepath.Clean(s.Handler)
	if strings.HasSuffix(at, ".go") {
		at = filepath.Dir(at)
	}
	if info, err := os.Stat(filepath.Join(s.Path, at)); s.Handler == "" || !filepath.IsLocal(at) || err != nil || !info.IsDir() {
		return "."
	}
	return at
}

// moduleOf is the folder with the go.mod that a folder belongs to; "" if none.
func moduleOf(dir string) string {
	for {
		if exists(filepath.Join(dir, "go.mod")) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// leadsOut tells whether a module is built from more than its folder and published modules.
func leadsOut(module string) bool {
	text, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil || os.Getenv("GOWORK") != "" && os.Getenv("GOWORK") != "off" {
		return true
	}
	for dir := module; ; dir = filepath.Dir(dir) {
		if exists(filepath.Join(dir, "go.work")) {
			return true
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return strings.Contains(string(text), "=> .") || strings.Contains(string(text), "=> /")
}

// rust builds the program bootstrap with cargo, which keeps what it made in the folder target.
func (p *Packer) rust(s Source) (*recipe, error) {
	cargo, err := p.tool(s, "cargo", "the folder holds the source of a Rust program", "build bootstrap elsewhere and name its folder")
	if err != nil {
		return nil, err
	}
	return &recipe{
		name: "cargo build --release", tool: fingerprint(cargo), fresh: true,
		skip: []string{"/target", "/bootstrap"}, replaced: []string{"*.rs", "Cargo.toml", "Cargo.lock"},
		make: func(ctx context.Context, b bench) error {
			said, err := b.run(ctx, s, command{dir: s.Path, args: []string{cargo, "build", "--release", "--quiet", "--message-format=json-render-diagnostics"}})
			if err != nil {
				return err
			}
			program := executable(said, s.Handler)
			if program == "" {
				return s.fail("cargo made no program, or several", s.Path, "let the handler name one of them")
			}
			return (&entry{path: program, mode: 0o755}).copyTo(filepath.Join(b.out, "bootstrap"))
		},
	}, nil
}

// executable finds the program in cargo's messages: the one of that name, or the only one.
func executable(messages, name string) string {
	var all []string
	for scan := bufio.NewScanner(strings.NewReader(messages)); scan.Scan(); {
		var m struct{ Executable string }
		if json.Unmarshal(scan.Bytes(), &m) != nil || m.Executable == "" {
			continue
		}
		if filepath.Base(m.Executable) == name {
			return m.Executable
		}
		all = append(all, m.Executable)
	}
	if len(all) != 1 {
		return ""
	}
	return all[0]
}

// maven builds in a copy of the folder. The package has the classes at its root and what they need in lib,
// as `sam build` lays them out.
func (p *Packer) maven(s Source) (*recipe, error) {
	mvn, err := p.tool(s, "mvn", "the folder has a pom.xml", "name the jar instead of the folder")
	if err != nil {
		return nil, err
	}
	return &recipe{
		name: "mvn package", tool: fingerprint(mvn) + p.fingerprintOf("java"),
		skip: []string{"/target"}, replaced: []string{"**"},
		make: func(ctx context.Context, b bench) error {
			if err := b.copyTo(b.work); err != nil {
				return err
			}
			_, err := b.run(ctx, s, command{dir: b.work, args: []string{
				mvn, "--batch-mode", "--quiet", "-DskipTests", "package", "dependency:copy-dependencies",
				"-DincludeScope=runtime", "-DoutputDirectory=" + filepath.Join(b.out, "lib"),
			}})
			if err != nil {
				return err
			}
			return moveAll(filepath.Join(b.work, "target", "classes"), b.out)
		},
	}, nil
}

func moveAll(from, to string) error {
	list, err := os.ReadDir(from)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range list {
		if err := os.Rename(filepath.Join(from, d.Name()), filepath.Join(to, d.Name())); err != nil {
			return err
		}
	}
	return nil
}
