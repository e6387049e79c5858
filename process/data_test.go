package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDataFolderIsNotCommitted: git sees nothing of a folder that was made, and what somebody made is left as it is.
func TestDataFolderIsNotCommitted(t *testing.T) {
	t.Parallel()
	project := t.TempDir()
	data := filepath.Join(project, ".assay")
	if err := DataFolder(data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "assay.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "init", "-q", project).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("git", "-C", project, "status", "--porcelain").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("git sees %s, %v", out, err)
	}
	own := filepath.Join(project, "own")
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := DataFolder(own); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(own); len(entries) > 0 {
		t.Errorf("it put %v into a folder that was there", entries)
	}
	if err := DataFolder(filepath.Join(data, "assay.db", "below")); err == nil {
		t.Error("a folder below a file is none")
	}
}
