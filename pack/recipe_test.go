package pack_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaylab/assay/pack"
)

func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if exec.Command(tool, "--version").Run() != nil && exec.Command(tool, "version").Run() != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is missing", tool)
			}
			t.Skipf("%s is missing", tool)
		}
	}
}

// watched is a packer and what it said it does.
func watched(t *testing.T) (*pack.Packer, *[]string) {
	var said []string
	return open(t, pack.Options{Progress: func(what string) { said = append(said, what) }}), &said
}

func names(t *testing.T, p pack.Package) string {
	return strings.Join(slices.Sorted(maps.Keys(contents(t, p.Zip))), " ")
}

func copied(t *testing.T, from string) string {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestGo(t *testing.T) {
	need(t, "go")
	dir := lay(t, map[string]string{
		"go.mod": "module hello\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n", "main_test.go": "package main\n",
		"templates/page.html": "<p>", "cmd/other/main.go": "package main\n\nfunc main() { println() }\n", "bootstrap*": "stale",
	})
	p, said := watched(t)
	s := pack.Source{Name: "hello", Path: dir, Runtime: "provided.al2023", Handler: "bootstrap"}
	first := packed(t, p, s)
	if got := names(t, first); got != "bootstrap templates/page.html" {
		t.Error(got)
	}
	if text := contents(t, first.Zip)["bootstrap"]; !strings.HasPrefix(text, "-rwxr-xr-x \x7fELF") {
		t.Errorf("no program: %.20q", text)
	}
	put(t, dir, "bootstrap*", "stale again") // what go build leaves there is no source
	packed(t, p, s)
	s.Handler = "cmd/other"
	if other := packed(t, p, s); other.CodeSHA256 == first.CodeSHA256 {
		t.Error("the handler's program is the same")
	}
	again := packed(t, open(t, pack.Options{}), pack.Source{Path: copied(t, dir), Runtime: "provided.al2023"})
	if again.CodeSHA256 != first.CodeSHA256 {
		t.Error("built elsewhere it is another")
	}
	put(t, dir, "main.go", "package main\n\nfunc main() { undefined() }\n")
	s.Handler = ""
	_, err := p.Pack(t.Context(), s)
	refused(t, err, "undefined: undefined", "hello: build failed", dir)
	if want := []string{"hello: go build", "hello: go build", "hello: go build"}; !slices.Equal(*said, want) {
		t.Errorf("%q, want %q", *said, want)
	}
}

func TestPip(t *testing.T) {
	need(t, "python3")
	if exec.Command("python3", "-m", "pip", "--version").Run() != nil {
		t.Skip("pip is missing")
	}
	dir := lay(t, map[string]string{"main.py": "import mine", "requirements.txt": "# our own\n./lib\n", "lib/pyproject.toml": "", "lib/x": ""})
	wheel(t, filepath.Join(dir, "wheels"))
	put(t, dir, "requirements.txt", "--find-links wheels\n--no-index\nmine==1.0\n")
	put(t, dir, ".assayignore", "wheels\nlib\n")
	p, said := watched(t)
	s := pack.Source{Name: "hello", Path: dir, Runtime: "python3", Handler: "main.handler"}
	first := packed(t, p, s)
	if got := names(t, first); !strings.Contains(got, "main.py mine-1.0.dist-info/") || !strings.Contains(got, " mine.py requirements.txt") {
		t.Error(got)
	}
	if again := packed(t, p, s); again.CodeSHA256 != first.CodeSHA256 {
		t.Error("installed again it is another")
	}
	if (*said)[0] != "hello: pip install -r requirements.txt" {
		t.Error(*said)
	}
	put(t, dir, "requirements.txt", "--find-links wheels\n--no-index\nnone-of-that-name\n")
	_, err := p.Pack(t.Context(), s)
	refused(t, err, "none-of-that-name", dir)
	s.Runtime = "python2.6"
	_, err = p.Pack(t.Context(), s)
	refused(t, err, "python2.6", "python3")
}

// wheel writes a package for pip.
func wheel(t *testing.T, dir string) {
	t.Helper()
	tree := lay(t, map[string]string{
		"mine.py": "answer = 42\n", "mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
		"mine-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "mine-1.0.dist-info/RECORD": "",
	})
	made := packed(t, open(t, pack.Options{}), pack.Source{Path: tree})
	text, err := os.ReadFile(made.Zip)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "mine-1.0-py3-none-any.whl", string(text))
}

func TestNpm(t *testing.T) {
	need(t, "node", "npm")
	dir := copied(t, "../examples/qr/functions/qr-node")
	os.RemoveAll(filepath.Join(dir, "node_modules"))
	put(t, dir, "node_modules/stale/index.js", "not of the lock file")
	p, said := watched(t)
	s := pack.Source{Name: "qr", Path: dir, Runtime: "nodejs", Handler: "index.handler"}
	first, err := p.Pack(t.Context(), s)
	if err != nil && strings.Contains(err.Error(), "ENOTFOUND") {
		t.Skip("no registry:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, first); !strings.Contains(got, "node_modules/") || strings.Contains(got, "stale") || !strings.HasPrefix(got, "index.js") {
		t.Error(got)
	}
	put(t, dir, "index.js", "exports.handler = async () => 2")
	second := packed(t, p, s)
	if second.CodeSHA256 == first.CodeSHA256 {
		t.Error("changed code makes no other package")
	}
	if want := []string{"qr: npm ci"}; !slices.Equal(*said, want) {
		t.Errorf("%q, want %q: dependencies are installed once", *said, want)
	}
	s.Patterns = []string{"!node_modules/**"}
	if got := names(t, packed(t, p, s)); strings.Contains(got, "node_modules") {
		t.Error(got)
	}
}

func TestNpmWithoutLock(t *testing.T) {
	dir := lay(t, map[string]string{"index.js": "", "package.json": `{"dependencies": {"x": "1"}}`, "node_modules/x/index.js": "as it is"})
	p, said := watched(t)
	if got := names(t, packed(t, p, pack.Source{Path: dir, Runtime: "nodejs20.x"})); got != "index.js node_modules/x/index.js package.json" || len(*said) > 0 {
		t.Error(got, *said)
	}
}

func TestCargo(t *testing.T) {
	need(t, "cargo")
	dir := lay(t, map[string]string{"Cargo.toml": "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n", "src/main.rs": "fn main() {}\n"})
	p, _ := watched(t)
	if got := names(t, packed(t, p, pack.Source{Path: dir, Runtime: "provided.al2023"})); got != "bootstrap" {
		t.Error(got)
	}
}

func TestMaven(t *testing.T) {
	need(t, "mvn", "java")
	dir := lay(t, map[string]string{
		"pom.xml": `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>hello</groupId><artifactId>hello</artifactId><version>1</version>
<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties></project>`,
		"src/main/java/hello/App.java": "package hello; public class App { public String handle(String s) { return s; } }",
	})
	p, said := watched(t)
	s := pack.Source{Path: dir, Runtime: "java21", Handler: "hello.App::handle"}
	got, err := p.Pack(t.Context(), s)
	if err != nil && strings.Contains(err.Error(), "could not be resolved") {
		t.Skip("no repository of Maven:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := names(t, got); n != "hello/App.class" {
		t.Error(n)
	}
	packed(t, p, s)
	if len(*said) != 1 {
		t.Errorf("built %d times", len(*said))
	}
	if _, err := os.Stat(filepath.Join(dir, "target")); err == nil {
		t.Error("the build left something in the folder")
	}
}
