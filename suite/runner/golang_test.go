package runner

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestGoInAnyFolder: a project is built and listed wherever it lies, and whatever its interpreter is called.
func TestGoInAnyFolder(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "my work's")
	p := Place{Dir: filepath.Join(at, "project"), Python: filepath.Join(at, "python"), Worker: filepath.Join(at, "worker"), Build: filepath.Join(at, "build"), Env: os.Environ()}
	appendTo(t, filepath.Join(p.Dir, "go.mod"), "module example.com/a\n\ngo 1.20\n")
	appendTo(t, filepath.Join(p.Dir, "a_test.go"), "package a\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {}\n")
	if err := os.CopyFS(p.Worker, Files()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(python, p.Python); err != nil {
		t.Fatal(err)
	}
	k, err := Named("go")
	if err != nil {
		t.Fatal(err)
	}
	l, err := k.List(t.Context(), p, nil)
	if err != nil || len(l.Tests) != 1 || l.Tests[0].ID != "example.com/a.TestA" {
		t.Errorf("listed %+v, %v", l, err)
	}
}

// TestAListThatLeavesAProcess: what a list's command started and left does not hold the listing up once it is not
// wanted any more.
func TestAListThatLeavesAProcess(t *testing.T) {
	k, err := Command{List: "sleep 60 & echo a; wait", Run: "true {tests}", Outcomes: "exit"}.Kind()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := k.List(ctx, Place{Dir: t.TempDir(), Env: os.Environ()}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
