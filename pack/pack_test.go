package pack_test

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/pack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lay writes files to a new folder. A name that ends in "*" is executable, a text "-> x" is a link.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		put(t, dir, name, text)
	}
	return dir
}

func put(t testing.TB, dir, name, text string) {
	t.Helper()
	name, program := strings.CutSuffix(name, "*")
	at := filepath.Join(dir, name)
	err := os.MkdirAll(filepath.Dir(at), 0o755)
	if target, link := strings.CutPrefix(text, "-> "); err == nil && link {
		err = os.Symlink(target, at)
	} else if err == nil {
		mode := fs.FileMode(0o640)
		if program {
			mode = 0o700
		}
		err = os.WriteFile(at, []byte(text), mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, o pack.Options) *pack.Packer {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	p, err := pack.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func packed(t *testing.T, p *pack.Packer, s pack.Source) pack.Package {
	t.Helper()
	got, err := p.Pack(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// contents reads a zip: mode and text by name.
func contents(t *testing.T, file string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r) // checks the CRC
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		all[f.Name] = f.Mode().String() + " " + string(text)
	}
	return all
}

func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	var e *assay.Error
	if !errors.As(err, &e) || e.Code != assay.CodeInvalid || e.Hint == "" || e.Where == "" {
		t.Fatalf("want an error for people, got %#v", err)
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("the error does not tell %q:\n%v", w, e)
		}
	}
}

func TestPackFolder(t *testing.T) {
	data := t.TempDir()
	outside := lay(t, map[string]string{"shared.py": "shared", "deep/x": "x"})
	dir := lay(t, map[string]string{
		"main.py": "print()", "bin/run*": "#!/bin/sh", "lib/alias.py": "-> ../main.py", "copied.py": "-> " + outside + "/shared.py",
		"tree": "-> " + outside, ".git/HEAD": "ref", "__pycache__/main.pyc": "x", "lib/__pycache__/y.pyc": "x", "server.log": "line",
		".assayignore": "# notes\n/notes\n*.md\n!README.md\nbuild/\n", "notes/a": "a", "lib/notes/b": "b", "a.md": "a", "README.md": "r", "build/x": "x",
		"venv/pyvenv.cfg": "home = /usr", "venv/bin/python*": "x", "empty": "",
	})
	if err := os.Mkdir(filepath.Join(dir, "void"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(data, filepath.Join(dir, "data")); err != nil { // the laboratory's own, within the code
		t.Fatal(err)
	}
	got := packed(t, open(t, pack.Options{Private: data}), pack.Source{Path: dir})
	want := map[string]string{
		"main.py": "-rw-r--r-- print()", "bin/run": "-rwxr-xr-x #!/bin/sh", "lib/alias.py": "Lrwxrwxrwx ../main.py", "copied.py": "-rw-r--r-- shared",
		"tree/shared.py": "-rw-r--r-- shared", "tree/deep/x": "-rw-r--r-- x", "lib/notes/b": "-rw-r--r-- b", "README.md": "-rw-r--r-- r",
		"empty": "-rw-r--r-- ", "void/": "drwxr-xr-x ",
	}
	if diff := cmp.Diff(want, contents(t, got.Zip)); diff != "" {
		t.Error(diff)
	}
	if got.Files != len(want) {
		t.Errorf("%d files, want %d", got.Files, len(want))
	}
}

// TestReproducible packs the same files at other places, of other ages, made in another order, by another
// packer: the bytes are the same. What counts changes them.
func TestReproducible(t *testing.T) {
	files := map[string]string{"index.js": "exports.handler = async () => 1", "lib/a.js": strings.Repeat("abc", 9000), "bin/x*": "x", "large": strings.Repeat("0123456789", 1<<20)}
	first := packed(t, open(t, pack.Options{}), pack.Source{Path: lay(t, files)})
	again := lay(t, nil)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) {
		put(t, again, name, files[name])
		old := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(again, strings.TrimSuffix(name, "*")), old, old); err != nil {
			t.Fatal(err)
		}
	}
	p := open(t, pack.Options{})
	if second := packed(t, p, pack.Source{Path: again}); second.CodeSHA256 != first.CodeSHA256 {
		t.Error("other bytes for the same files")
	}
	put(t, again, "run.log", "noise")
	if noisy := packed(t, p, pack.Source{Path: again}); noisy.CodeSHA256 != first.CodeSHA256 {
		t.Error("a log counts as code")
	}
	if err := os.Chmod(filepath.Join(again, "index.js"), 0o755); err != nil {
		t.Fatal(err)
	}
	if third := packed(t, p, pack.Source{Path: again}); third.CodeSHA256 == first.CodeSHA256 {
		t.Error("a file that became executable changes nothing")
	}
}

func TestPatterns(t *testing.T) {
	dir := lay(t, map[string]string{"src/a.js": "", "src/deep/b.js": "", "test/a.test.js": "", "node_modules/x/i.js": "", "node_modules/y/i.js": "", ".env": ""})
	for _, c := range []struct{ patterns, want string }{
		{"", ".env node_modules/x/i.js node_modules/y/i.js src/a.js src/deep/b.js test/a.test.js"},
		{"!**|src/**", "src/a.js src/deep/b.js"},
		{"!./**|./src/a.js", "src/a.js"},
		{"!node_modules/**|node_modules/x/**|!test", ".env node_modules/x/i.js src/a.js src/deep/b.js"},
		{"!**|{src,test}/**/*.test.js", "test/a.test.js"},
	} {
		s := pack.Source{Path: dir}
		if c.patterns != "" {
			s.Patterns = strings.Split(c.patterns, "|")
		}
		got := packed(t, open(t, pack.Options{}), s)
		if names := strings.Join(slices.Sorted(maps.Keys(contents(t, got.Zip))), " "); names != c.want {
			t.Errorf("%s: %s, want %s", c.patterns, names, c.want)
		}
	}
}

func TestPackZip(t *testing.T) {
	p := open(t, pack.Options{})
	made := packed(t, p, pack.Source{Path: lay(t, map[string]string{"a": "a"})})
	mine := filepath.Join(t.TempDir(), "mine.zip")
	if err := exec.Command("cp", made.Zip, mine).Run(); err != nil {
		t.Fatal(err)
	}
	if got := packed(t, p, pack.Source{Path: mine}); got.CodeSHA256 != made.CodeSHA256 || got.Zip == mine {
		t.Error("a zip does not stay as it is")
	}
	evil := filepath.Join(t.TempDir(), "evil.zip")
	f, err := os.Create(evil)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	if _, err := z.Create("../../etc/passwd"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = p.Pack(t.Context(), pack.Source{Path: evil})
	refused(t, err, `"../../etc/passwd"`, evil)

	broken := filepath.Join(lay(t, map[string]string{"b.zip": "PK\x03\x04 and nothing more"}), "b.zip")
	_, err = p.Pack(t.Context(), pack.Source{Path: broken})
	refused(t, err, "no zip that can be read")
}

func TestPackFile(t *testing.T) {
	dir := lay(t, map[string]string{"index.mjs": "x", "hello*": "\x7fELF"})
	p := open(t, pack.Options{})
	script := packed(t, p, pack.Source{Path: filepath.Join(dir, "index.mjs"), Runtime: "nodejs20.x"})
	program := packed(t, p, pack.Source{Path: filepath.Join(dir, "hello"), Runtime: "provided.al2023"})
	if got := contents(t, script.Zip); got["index.mjs"] != "-rw-r--r-- x" {
		t.Error(got)
	}
	if got := contents(t, program.Zip); got["bootstrap"] != "-rwxr-xr-x \x7fELF" {
		t.Error(got)
	}
}

func TestRefused(t *testing.T) {
	circle := lay(t, map[string]string{"a/b": "b"})
	put(t, circle, "a/up", "-> "+circle)
	huge := lay(t, map[string]string{"index.js": "x", "node_modules/@aws-sdk/client/index.js": "x", "node_modules/small/i.js": "x"})
	if err := os.Truncate(filepath.Join(huge, "node_modules/@aws-sdk/client/index.js"), pack.MaxUnzipped); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path  string
		words []string
	}{
		"nothing there":   {filepath.Join(circle, "none"), []string{"no such file"}},
		"empty":           {t.TempDir(), []string{"nothing in it"}},
		"link to nowhere": {lay(t, map[string]string{"x": "-> /nowhere/at/all"}), []string{"/nowhere/at/all", "/x"}},
		"link in circles": {circle, []string{"in itself", "a/up"}},
		"too large":       {huge, []string{"250 MB", "node_modules/@aws-sdk/client 250 MB"}},
		"unreadable":      {lay(t, map[string]string{"x": "-> /proc/self/mem"}), []string{"/mem"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, pack.Options{}).Pack(t.Context(), pack.Source{Name: "hello", Path: c.path})
			refused(t, err, append(c.words, "hello")...)
		})
	}
}

func TestBuild(t *testing.T) {
	dir := lay(t, map[string]string{"src.txt": "one", "runs": ""})
	count := filepath.Join(t.TempDir(), "count")
	p := open(t, pack.Options{})
	s := pack.Source{Path: dir, Build: "echo run >> " + count + " && tr a-z A-Z < src.txt > out.txt"}
	runs := func() int {
		text, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "run")
	}
	first := packed(t, p, s)
	if got := contents(t, first.Zip)["out.txt"]; got != "-rw-r--r-- ONE" {
		t.Error(got)
	}
	if again := packed(t, p, s); again.CodeSHA256 != first.CodeSHA256 || runs() != 1 {
		t.Errorf("built %d times", runs())
	}
	put(t, dir, "src.txt", "two")
	if second := packed(t, p, s); contents(t, second.Zip)["out.txt"] != "-rw-r--r-- TWO" || runs() != 2 {
		t.Error("a change is not built")
	}
	s.Build = "echo out; echo what is wrong >&2; exit 3"
	_, err := p.Pack(t.Context(), s)
	refused(t, err, "what is wrong", "exit status 3", "the command was: echo out", dir)
}

// TestBuildEnds ends a build while it runs, with the processes that it started.
func TestBuildEnds(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	if err := exec.Command("mkfifo", ready).Run(); err != nil {
		t.Skip("no mkfifo")
	}
	go func() {
		os.ReadFile(ready) // returns once the build has opened and closed it
		cancel()
	}()
	_, err := open(t, pack.Options{}).Pack(ctx, pack.Source{Path: dir, Build: "echo > " + ready + "; sleep 600 & sleep 600"})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// TestTurns packs the same at once: it is built once.
func TestTurns(t *testing.T) {
	dir := lay(t, map[string]string{"a": "a"})
	count := filepath.Join(t.TempDir(), "count")
	cache := t.TempDir()
	s := pack.Source{Path: dir, Build: "echo run >> " + count}
	errs := make(chan error)
	for range 8 {
		p := open(t, pack.Options{Dir: cache}) // as if another process
		go func() {
			_, err := p.Pack(t.Context(), s)
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if text, _ := os.ReadFile(count); string(text) != "run\n" {
		t.Errorf("built: %q", text)
	}
}

func TestSweep(t *testing.T) {
	now := time.Now()
	cache := t.TempDir()
	at := func(after time.Duration) *pack.Packer {
		return open(t, pack.Options{Dir: cache, MaxKept: 1, Now: func() time.Time { return now.Add(after) }})
	}
	one := lay(t, map[string]string{"a": "1"})
	old := packed(t, at(0), pack.Source{Path: one})
	young := packed(t, at(90*time.Minute), pack.Source{Path: lay(t, map[string]string{"a": "2"})})
	if _, err := os.Stat(old.Zip); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was not used for long stays: %v", err)
	}
	if _, err := os.Stat(young.Zip); err != nil {
		t.Errorf("what is in use goes: %v", err)
	}
	if again := packed(t, at(2*time.Hour), pack.Source{Path: one}); again.CodeSHA256 != old.CodeSHA256 {
		t.Error("made anew it is another")
	}
}
