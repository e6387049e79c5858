//go:build linux

package cgroup

import (
	"strconv"
	"time"
)

// Limits of a group. What is 0 is not limited.
type Limits struct {
	Memory int64   // bytes of memory, of which no swap
	CPU    float64 // cores, while Throttle is on
	Pids   int     // processes and threads
}

// dialect is how a version of control groups says things: the same in other files and words.
type dialect struct {
	controllers []string // those a group uses
	kill        string   // a file that ends all processes; "" if there is none

	memory, swap   file
	peak           file // the largest use of memory; what is written to it resets it
	stat           file // of memory, with the following lines
	cache, shmem   string
	events         file // with a line "oom_kill N"
	freeze         file
	frozen, thawed string
	pids           file
	period         file // of v1 alone: v2 has both in quota
	quota          file
	limit          func(share) string // what quota says
	noLimit        func(share) string
	usage          file
	usageOf        string // the line that counts; "" if the file is only a number
	usageUnit      time.Duration
}

// file is one of a group's files: the controller that it belongs to, and its name.
type file struct{ controller, name string }

var v1 = dialect{
	controllers: []string{"memory", "cpu", "cpuacct", "pids", "freezer"},
	memory:      file{"memory", "memory.limit_in_bytes"},
	swap:        file{"memory", "memory.memsw.limit_in_bytes"},
	peak:        file{"memory", "memory.max_usage_in_bytes"},
	stat:        file{"memory", "memory.stat"}, cache: "cache", shmem: "shmem",
	events: file{"memory", "memory.oom_control"},
	freeze: file{"freezer", "freezer.state"}, frozen: "FROZEN", thawed: "THAWED",
	pids:    file{"pids", "pids.max"},
	period:  file{"cpu", "cpu.cfs_period_us"},
	quota:   file{"cpu", "cpu.cfs_quota_us"},
	limit:   func(s share) string { return micros(s.quota) },
	noLimit: func(share) string { return "-1" },
	usage:   file{"cpuacct", "cpuacct.usage"}, usageUnit: time.Nanosecond,
}

var v2 = dialect{
	controllers: []string{"memory", "cpu", "pids"},
	kill:        "cgroup.kill",
	memory:      file{"memory", "memory.max"},
	swap:        file{"memory", "memory.swap.max"},
	peak:        file{"memory", "memory.peak"},
	stat:        file{"memory", "memory.stat"}, cache: "file", shmem: "shmem",
	events: file{"memory", "memory.events"},
	freeze: file{"", "cgroup.freeze"}, frozen: "1", thawed: "0",
	pids:    file{"pids", "pids.max"},
	quota:   file{"cpu", "cpu.max"},
	limit:   func(s share) string { return micros(s.quota) + " " + micros(s.period) },
	noLimit: func(s share) string { return "max " + micros(s.period) },
	usage:   file{"", "cpu.stat"}, usageOf: "usage_usec", usageUnit: time.Microsecond,
}

// share of the processors: quota of CPU time in each period.
type share struct{ quota, period time.Duration }

const (
	usualPeriod = 20 * time.Millisecond // AWS's; with 100 ms, p99 at 512 MB is four times as long
	leastQuota  = time.Millisecond      // the kernel takes no less
	mostPeriod  = time.Second           // the kernel takes no more
)

// shareOf returns the share for a number of cores. Its period is longer than usual where the quota
// would be too small.
func shareOf(cores float64) share {
	s := share{period: usualPeriod}
	s.quota = s.of(cores)
	if s.quota < leastQuota {
		s.quota = leastQuota
		s.period = min(time.Duration(float64(leastQuota)/cores).Round(time.Microsecond), mostPeriod)
	}
	return s
}

func (s share) of(cores float64) time.Duration {
	return time.Duration(cores * float64(s.period)).Round(time.Microsecond)
}

func micros(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
