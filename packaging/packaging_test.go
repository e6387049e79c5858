package packaging

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// run returns what a command prints.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := try(dir, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func try(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// needs skips a test where a command is missing, and fails it in CI.
func needs(t *testing.T, command string) {
	t.Helper()
	if _, err := exec.LookPath(command); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: scripts/setup test installs it", command)
	}
	t.Skipf("%s is missing: scripts/setup test installs it", command)
}

// assay builds the binary once.
var assay = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "assay-packaging-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "assay")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "./cmd/assay")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return string(out), err
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := assay(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// accepts fails unless the binary knows the command and all flags of its arguments.
func accepts(t *testing.T, args []string) {
	t.Helper()
	path, err := assay()
	if err != nil {
		t.Fatal(path, err)
	}
	if len(args) == 0 {
		t.Fatal("no arguments")
	}
	help := run(t, "..", path, args[0], "--help")
	for _, arg := range args[1:] {
		flag, _, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(flag, "-") && !regexp.MustCompile(`(?m)(^|[ ,])`+regexp.QuoteMeta(flag)+`[ ,]`).MatchString(help) {
			t.Errorf("assay %s has no flag %s", args[0], flag)
		}
	}
}

// TestReleaseIsReproducible: two clones of one commit, in two places, make the same bytes; what they make works.
func TestReleaseIsReproducible(t *testing.T) {
	needs(t, "dpkg-deb")
	platform := "linux/" + strings.TrimSpace(run(t, ".", "go", "env", "GOARCH"))
	var sums []string
	var dist string
	for _, clone := range []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "another", "place")} {
		run(t, "..", "git", "clone", "--quiet", "--no-hardlinks", ".", clone)
		run(t, clone, "scripts/release", platform)
		dist = filepath.Join(clone, "dist")
		sums = append(sums, string(read(t, filepath.Join(dist, "SHA256SUMS"))))
	}
	if sums[0] != sums[1] {
		t.Errorf("two clones, two releases:\n%s\n%s", sums[0], sums[1])
	}
	run(t, dist, "sha256sum", "--check", "--quiet", "SHA256SUMS")
	t.Run("package", func(t *testing.T) { checkPackage(t, only(t, dist, "*.deb")) })
	t.Run("archive", func(t *testing.T) {
		names := run(t, dist, "tar", "tzf", only(t, dist, "*.tar.gz"))
		for _, want := range []string{"/assay\n", "/LICENSE\n", "/man/assay-up.1.gz\n", "/completions/assay.fish\n"} {
			if !strings.Contains(names, want) {
				t.Errorf("the archive lacks %s", want)
			}
		}
	})
	t.Run("bill of materials", func(t *testing.T) { checkBill(t, only(t, dist, "*.cdx.json")) })
}

// checkPackage unpacks a Debian package, and looks at what it would install.
func checkPackage(t *testing.T, deb string) {
	root := t.TempDir()
	run(t, ".", "dpkg-deb", "--extract", deb, root)
	commit := strings.TrimSpace(run(t, "..", "git", "rev-parse", "--short=12", "HEAD"))
	if got := run(t, root, filepath.Join(root, "usr/bin/assay"), "version"); !strings.Contains(got, commit) {
		t.Errorf("assay version: %q, of commit %s", got, commit)
	}
	if fields := run(t, ".", "dpkg-deb", "--field", deb); !strings.Contains(fields, commit) || !strings.Contains(fields, "Package: assay") {
		t.Errorf("the package says of itself:\n%s", fields)
	}
	for _, kept := range []string{"/etc/default/assay", "/etc/assay/assay.yaml"} {
		if conf := run(t, ".", "dpkg-deb", "--info", deb, "conffiles"); !strings.Contains(conf, kept) {
			t.Errorf("an upgrade would overwrite %s", kept)
		}
	}
	needs(t, "systemd-analyze")
	unit := "usr/lib/systemd/system/assay.service"
	text := string(read(t, filepath.Join(root, unit)))
	here := filepath.Join(t.TempDir(), "assay.service") // with the program where it is unpacked
	if err := os.WriteFile(here, []byte(strings.ReplaceAll(text, "/usr/bin/assay", filepath.Join(root, "usr/bin/assay"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if says := run(t, root, "systemd-analyze", "verify", "--man=no", here); strings.Contains(says, "assay.service") {
		t.Errorf("systemd says of the unit: %s", says)
	}
	run(t, root, "systemd-analyze", "security", "--offline=true", "--threshold=45", filepath.Join(root, unit))
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/assay (.*)$`).FindStringSubmatch(text)
	accepts(t, strings.Fields(line[1]))
}

// checkBill compares a bill of materials with go.mod: what the binary is made of, in the versions that are pinned.
func checkBill(t *testing.T, path string) {
	var bill struct {
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(read(t, path), &bill); err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, c := range bill.Components {
		listed[c.Name] = c.Version
	}
	for _, module := range []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/spf13/cobra"} {
		if want := strings.TrimSpace(run(t, "..", "go", "list", "-m", "-f", "{{.Version}}", module)); listed[module] != want {
			t.Errorf("%s: %q is listed, %s is in the binary", module, listed[module], want)
		}
	}
	if listed["std"] == "" {
		t.Error("Go's own library is not listed")
	}
}

// TestImages: BuildKit's parser and linter have nothing to say, and the images start what Assay knows.
func TestImages(t *testing.T) {
	file, err := parser.Parse(bytes.NewReader(read(t, "Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	complain := func(rule, _, _, message string, at []parser.Range) { t.Errorf("%s: %s (%v)", rule, message, at) }
	stages, _, err := instructions.Parse(file.AST, linter.New(&linter.Config{Warn: complain}))
	if err != nil {
		t.Fatal(err)
	}
	images := 0
	for _, stage := range stages {
		for _, command := range stage.Commands {
			if start, ok := command.(*instructions.CmdCommand); ok {
				images++
				accepts(t, start.CmdLine)
			}
		}
	}
	if images != 2 {
		t.Errorf("%d images start something", images)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// only is the one file of a name.
func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v %v", pattern, found, err)
	}
	return found[0]
}

// TestWorkflow: actionlint has nothing to say of the example for GitHub Actions.
func TestWorkflow(t *testing.T) {
	run(t, ".", "go", "tool", "actionlint", "../examples/ci/github.yml")
}
