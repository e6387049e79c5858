// Package machine tells what this machine can do for a laboratory, and what it lacks. In comes the folder that a
// laboratory keeps its data in; out go findings.
package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/sandbox"
)

// Report is what was found. What keeps a laboratory from running is wrong; what makes it do less is lacking.
type Report struct {
	System   string         `json:"system"`
	Cores    int            `json:"cores"`
	MemoryMB int64          `json:"memory_mb"`
	Findings []Finding      `json:"findings"`
	Enforced assay.Enforced `json:"enforced"`
	Runtimes []lambda.Found `json:"runtimes"`
}

// Finding is one thing that was looked at.
type Finding struct {
	What  string `json:"what"`
	State string `json:"state"` // Good, Lacking or Wrong
	Says  string `json:"says"`
	Hint  string `json:"hint,omitempty"`
}

// The states of a finding.
const (
	Good    = "good"
	Lacking = "lacking"
	Wrong   = "wrong"
)

// tight is so little room on the disk that trials will soon find none, in bytes.
const tight = 1 << 30

// Examine looks at the machine and the folder. What sandboxes enforce is tried, unless it is known already.
func Examine(ctx context.Context, data string, known *assay.Enforced) (*Report, error) {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		return nil, err
	}
	r := &Report{
		System: fmt.Sprintf("%s/%s, %s %s", runtime.GOOS, runtime.GOARCH, unix.ByteSliceToString(system.Sysname[:]), unix.ByteSliceToString(system.Release[:])),
		Cores:  runtime.NumCPU(), MemoryMB: sandbox.MachineMemory() >> 20,
	}
	r.folder(data)
	if known != nil {
		r.Enforced = *known
		r.enforced()
	} else {
		r.sandboxes()
	}
	r.tools(ctx)
	return r, nil
}

// Add adds a finding.
func (r *Report) Add(what, state, says, hint string) {
	r.Findings = append(r.Findings, Finding{what, state, says, hint})
}

// tools looks for the runtimes of functions, and for what builds them.
func (r *Report) tools(ctx context.Context) {
	r.Runtimes = lambda.FindRuntimes(ctx, exec.LookPath)
	for _, found := range r.Runtimes {
		r.tool("runtime "+found.Runtime, found.Path, strings.TrimSpace(found.Version+" "+found.Path), "the Debian package "+found.Package+" brings one, if functions need it")
	}
	for _, t := range []struct{ command, why string }{
		{"go", "builds functions of Go"}, {"npm", "installs what functions of Node.js need"}, {"cargo", "builds functions of Rust"}, {"mvn", "builds functions of Java"},
	} {
		path, _ := exec.LookPath(t.command) // what is not found has no path
		r.tool("tool "+t.command, path, path, t.why)
	}
}

func (r *Report) tool(what, path, says, hint string) {
	if path == "" {
		r.Add(what, Lacking, "not installed", hint)
		return
	}
	r.Add(what, Good, says, "")
}

// folder looks at the data folder, or where it would be made.
func (r *Report) folder(data string) {
	at := data
	for !exists(at) && filepath.Dir(at) != at {
		at = filepath.Dir(at)
	}
	var disk unix.Statfs_t
	err := errors.Join(unix.Access(at, unix.W_OK), unix.Statfs(at, &disk))
	if info, failed := os.Stat(at); failed == nil && !info.IsDir() {
		err = unix.ENOTDIR
	}
	if err != nil {
		r.Add("data folder", Wrong, fmt.Sprintf("%s cannot be written: %v", at, err), "choose another with --data")
		return
	}
	room := disk.Bavail * uint64(disk.Bsize)
	says := fmt.Sprintf("%s, %.1f GB free", data, float64(room)/(1<<30))
	if room < tight {
		r.Add("data folder", Lacking, says, "make room, or choose another with --data: when there is none, no trials are made")
		return
	}
	r.Add("data folder", Good, says, "")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sandboxes tries what a sandbox enforces here.
func (r *Report) sandboxes() {
	dir, err := os.MkdirTemp("", "assay-doctor-")
	if err == nil {
		defer os.RemoveAll(dir)
		var host *sandbox.Host
		if host, err = sandbox.Open(sandbox.Options{Dir: filepath.Join(dir, "run")}); err == nil {
			r.Enforced = host.Enforced()
			err = host.Close()
		}
	}
	if err != nil {
		r.Add("sandboxes", Wrong, err.Error(), "see docs/sandbox.md")
		return
	}
	r.enforced()
}

func (r *Report) enforced() {
	for _, part := range []struct {
		name, does string
		enforced   bool
	}{
		{"memory", "functions end at their memory limit", r.Enforced.Memory},
		{"cpu", "functions get CPU in proportion to memory, as on AWS", r.Enforced.CPU},
		{"pids", "functions cannot start processes without end", r.Enforced.Pids},
		{"freeze", "nothing runs between invocations", r.Enforced.Freeze},
		{"mounts", "functions see AWS's paths, and write to /tmp alone", r.Enforced.Mounts},
		{"network", "functions reach no peer unless allowed", r.Enforced.Network},
		{"user", "functions have an unprivileged user of their own", r.Enforced.User},
	} {
		if part.enforced {
			r.Add("sandbox "+part.name, Good, part.does, "")
			continue
		}
		r.Add("sandbox "+part.name, Lacking, "not enforced: "+r.Enforced.Reasons[part.name], "docs/sandbox.md tells what each takes")
	}
}
