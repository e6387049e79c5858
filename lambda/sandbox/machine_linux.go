package sandbox

import "golang.org/x/sys/unix"

// MachineMemory is the memory of this machine in bytes, or 0 if that cannot be told.
func MachineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(uint64(info.Totalram) * uint64(info.Unit))
}
