package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// peakMemory is the largest resident memory of the process so far, in bytes: VmHWM of proc(5). Memory
// of its children does not count. It is 0 once the process has ended. (The rusage of a finished
// process cannot serve: it contains the memory of the process that started it.)
func (p *Process) peakMemory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		return 0
	}
	return peak(status)
}

// peak finds "VmHWM:	   12345 kB" in a status file.
func peak(status []byte) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ := bytes.Cut(rest, []byte("kB"))
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
