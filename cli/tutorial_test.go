package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestTutorials does what the tutorials tell, word for word, in an empty folder with `assay` on the path; only the
// ports are free ones. What a block of text shows has to come out of the commands before it, where … is anything.
func TestTutorials(t *testing.T) {
	pages, err := filepath.Glob("../docs/tutorials/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no tutorials: %v", err)
	}
	for _, page := range pages {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			t.Parallel()
			needs(t, "python3", "node", "curl")
			steps := stepsOf(string(mustRead(t, page)))
			said := follow(t, steps)
			for i, s := range steps {
				for _, line := range s.shows {
					if !saysLine(said[i], line) {
						t.Errorf("after\n%s\nno line is %q in\n%s", s.script, line, said[i])
					}
				}
			}
		})
	}
}

// step is a block of commands, and what the page shows of their output.
type step struct {
	script string
	shows  []string
}

var block = regexp.MustCompile("(?sm)^```(sh|text)\n(.*?)^```$")

func stepsOf(page string) (all []step) {
	for _, b := range block.FindAllStringSubmatch(page, -1) {
		if b[1] == "sh" {
			all = append(all, step{script: b[2]})
			continue
		}
		last := &all[len(all)-1]
		last.shows = append(last.shows, strings.Split(strings.TrimSpace(b[2]), "\n")...)
	}
	return all
}

// saysLine tells whether a line is among those that were said; blanks may be more.
func saysLine(said, line string) bool {
	parts := strings.Split(strings.TrimSpace(line), "…")
	for i, part := range parts {
		parts[i] = regexp.MustCompile(`\\? +`).ReplaceAllString(regexp.QuoteMeta(part), " +")
	}
	return regexp.MustCompile(`(?m)^\s*` + strings.Join(parts, ".*") + `\s*$`).MatchString(said)
}

// follow runs the steps in one shell, and returns what each said.
func follow(t *testing.T, steps []step) []string {
	t.Helper()
	dir := t.TempDir()
	console := freeAddress(t)
	ports := strings.NewReplacer("127.0.0.1:8080", freeAddress(t), "127.0.0.1:4566", freeAddress(t), "127.0.0.1:8090", console)
	bin := t.TempDir() // an `assay` that knows its ports
	wrapper := ports.Replace(fmt.Sprintf("#!/bin/sh\n[ \"$1\" = up ] && set -- \"$@\" --gateway 127.0.0.1:8080 --aws 127.0.0.1:4566 --console 127.0.0.1:8090\nexec %s \"$@\"\n", assayBinary(t)))
	if err := os.WriteFile(filepath.Join(bin, "assay"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	script := "trap 'kill $(jobs -p) 2>/dev/null || true; wait || true' EXIT\n"
	const mark = "== next =="
	for _, s := range steps {
		script += ports.Replace(s.script) + "\necho '" + mark + "'\n"
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "ASSAY_CONSOLE="+console)
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), errs.String())
	}
	said := strings.Split(out.String(), mark+"\n")
	if len(said) != len(steps)+1 {
		t.Fatal(fmt.Errorf("%d blocks, %d outputs", len(steps), len(said)-1))
	}
	return said
}
