//go:build linux

package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// KillOrphans ends the processes whose TMPDIR is dir or lies in it, and those that they start meanwhile:
// children that left their process group, and what a killed Assay left. Nobody may be using dir. A
// process whose environment was emptied or has another TMPDIR, or that another user owns, goes
// unrecognized and lives on: only a namespace or a control group, which need privileges, could hold it.
func KillOrphans(dir string) {
	for range 100 { // until none is seen; one that hangs in the kernel is left to it
		if !killMarked(dir) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// killMarked goes once through all processes, and tells whether one had to be killed.
func killMarked(dir string) (some bool) {
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range environments {
		environ, err := os.ReadFile(file)
		if err != nil || !marked(environ, dir) {
			continue // it has gone, or is not ours to look at
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			some = unix.Kill(pid, unix.SIGKILL) == nil || some
		}
	}
	return some
}

// marked tells whether an environment, in which each variable ends with a zero byte, has a TMPDIR of dir.
func marked(environ []byte, dir string) bool {
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if value, ok := bytes.CutPrefix(variable, []byte("TMPDIR=")); ok {
			rest, ok := bytes.CutPrefix(value, []byte(dir))
			return ok && (len(rest) == 0 || rest[0] == '/')
		}
	}
	return false
}
