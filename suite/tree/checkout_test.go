package tree

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assaylab/assay/ignore"
)

// TestCheckout: the files of another branch are laid out, also those that an archive would leave out, and
// the project stays as it is.
func TestCheckout(t *testing.T) {
	repository := t.TempDir()
	project := filepath.Join(repository, "sub", "project")
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Dir = repository
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(project, 0o755); err != nil {
		t.Fatal(err)
	}
	git("init", "-q", "-b", "main")
	write("a.txt", "other")
	write(".gitattributes", "a.txt export-ignore\n")
	git("add", ".")
	git("commit", "-qm", "one")
	git("tag", "one")
	write("a.txt", "staged")
	git("add", ".")
	write("a.txt", "mine")
	installed := filepath.Join(project, dependencies)
	if err := os.Mkdir(installed, 0o755); err != nil {
		t.Fatal(err)
	}
	before := git("status", "--porcelain=v2")
	dir, err := Checkout(t.Context(), project, "one", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a.txt")); err != nil || string(text) != "other" {
		t.Errorf("%q, %v", text, err)
	}
	if after := git("status", "--porcelain=v2"); after != before {
		t.Errorf("the project was changed:\n%s\n%s", before, after)
	}
	if to, err := os.Readlink(filepath.Join(dir, dependencies)); err != nil || to != installed {
		t.Errorf("what is installed is not lent: %q, %v", to, err)
	}
	if ignored(ignore.Parse("node_modules", ""), dependencies, false) {
		t.Error("a link to what is installed is ignored")
	}
	for _, ref := range []string{"nothing", "--help", ""} {
		if _, err := Checkout(t.Context(), project, ref, t.TempDir()); err == nil {
			t.Errorf("%q is checked out", ref)
		}
	}
	if _, err := Checkout(t.Context(), t.TempDir(), "main", t.TempDir()); err == nil {
		t.Error("a folder without a repository has a branch")
	}
}
