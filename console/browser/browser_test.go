package browser

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// walk runs NAME.mjs on a laboratory. It writes what it found wrong and ends with 1.
func walk(t *testing.T, name string, l *lab, args ...string) string {
	t.Helper()
	chromium, deps := needed(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	script := exec.CommandContext(ctx, "node", append([]string{name + ".mjs"}, args...)...)
	script.Env = append(os.Environ(), "ASSAY_CHROMIUM="+chromium, "ASSAY_DEPS="+deps, "ASSAY_CONSOLE=http://"+l.console, "ASSAY_GATEWAY=http://"+l.gateway)
	script.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	script.Stdout, script.Stderr = &out, &out
	if err := script.Run(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", name, err, out.String(), l.logged())
	}
	t.Log(out.String())
	return out.String()
}

// needed finds Chromium and the packages of scripts/deps/node. Without them a test is skipped, but in CI.
func needed(t *testing.T) (chromium, deps string) {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		missing("no chromium here: apt-get install chromium")
	}
	deps, err = filepath.Abs(filepath.Join("..", "..", ".deps"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(deps, "node", "node_modules", "playwright-core")); err != nil {
		missing("playwright-core is missing: scripts/setup test")
	}
	return chromium, deps
}

// TestPages walks every page in both colour schemes and at three widths.
func TestPages(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	l.traffic(t, 400)
	out := walk(t, "pages", l)
	if !strings.Contains(out, "/experiments/orders") {
		t.Errorf("no page was walked:\n%s", out)
	}
}

// TestLive: pages follow the laboratory, forms change it, and a page that nobody sees has no connection.
func TestLive(t *testing.T) {
	t.Parallel()
	l := startLab(t)
	l.traffic(t, 60)
	walk(t, "live", l)
}

var (
	pictures     = flag.String("pictures", "", "take pictures of all pages, into this folder")
	picturesOnly = flag.String("only", "", "of the pages whose names begin so")
)

// TestPictures takes pictures of each page for people to look at.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("go test ./console/browser -run TestPictures -args -pictures FOLDER")
	}
	l := startLab(t)
	l.traffic(t, 600)
	walk(t, "pictures", l, *pictures, "http://"+runLab(t).console, "http://"+startRollouts(t).console, "http://"+startCrowd(t).console, *picturesOnly)
}
