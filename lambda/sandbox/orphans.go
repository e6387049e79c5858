package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// KillOrphans ends what a killed Assay left: processes whose TMPDIR lies in dir. The death signal ends
// those it had started itself; this is for their children. Nobody may be using dir.
func KillOrphans(dir string) {
	mark := []byte("\x00TMPDIR=" + dir + "/")
	environments, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range environments {
		environ, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(append([]byte{0}, environ...), mark) {
			continue // it has gone, or is not ours to look at
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			unix.Kill(pid, unix.SIGKILL)
		}
	}
}
