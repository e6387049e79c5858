package sandbox

import "golang.org/x/sys/unix"

// MachineMemory is the memory of this machine in bytes, or 0 if that cannot be told.
func MachineMemory() int64 {
	size, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(size)
}
