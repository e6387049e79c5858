package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/lambda/sandbox"
)

// tight is so little room on the disk that trials will soon find none, in bytes.
const tight = 1 << 30

// examination is what `assay doctor` found. What keeps a laboratory from running is wrong; what makes it do
// less is lacking.
type examination struct {
	Version  string         `json:"version"`
	System   string         `json:"system"`
	Cores    int            `json:"cores"`
	MemoryMB int64          `json:"memory_mb"`
	Findings []finding      `json:"findings"`
	Enforced assay.Enforced `json:"enforced"`
	Runtimes []lambda.Found `json:"runtimes"`
}

// finding is one thing that was looked at.
type finding struct {
	What  string `json:"what"`
	State string `json:"state"` // "good", "lacking" or "wrong"
	Says  string `json:"says"`
	Hint  string `json:"hint,omitempty"`
}

// The states of a finding.
const (
	good    = "good"
	lacking = "lacking"
	wrong   = "wrong"
)

func doctorCommand(p *Process, c *client) *cobra.Command {
	var data string
	var output *string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Tell what this machine can do for a laboratory, and what it lacks", Args: cobra.NoArgs,
		Long: "Look at this machine as `assay up` would find it: what sandboxes enforce, which runtimes and tools are\n" +
			"there, whether the addresses are free and the data folder can be used. Exit 1 if a laboratory could not run.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := examine(cmd.Context(), p, c, absolute(p.Dir, data))
			if err != nil {
				return err
			}
			text, err := json.Marshal(found)
			if err == nil {
				err = print(p.Stdout, *output, text, found.table)
			}
			if err == nil && slices.ContainsFunc(found.Findings, func(f finding) bool { return f.State == wrong }) {
				return exitCode(exitRefuted)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&data, "data", ".assay", "folder of the store and the engine")
	output = outputFlag(cmd)
	return cmd
}

func examine(ctx context.Context, p *Process, c *client, data string) (*examination, error) {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		return nil, err
	}
	e := &examination{
		Version: Version(), System: fmt.Sprintf("%s/%s, %s %s", runtime.GOOS, runtime.GOARCH, unix.ByteSliceToString(system.Sysname[:]), unix.ByteSliceToString(system.Release[:])),
		Cores: runtime.NumCPU(), MemoryMB: sandbox.MachineMemory() >> 20,
	}
	e.laboratory(ctx, c)
	e.folder(data)
	e.sandboxes()
	e.Runtimes = lambda.FindRuntimes(ctx, exec.LookPath)
	for _, r := range e.Runtimes {
		e.tool("runtime "+r.Runtime, r.Path, strings.TrimSpace(r.Version+" "+r.Path), "the Debian package "+r.Package+" brings one, if functions need it")
	}
	for _, t := range []struct{ command, why string }{
		{"go", "builds functions of Go"}, {"npm", "installs what functions of Node.js need"}, {"cargo", "builds functions of Rust"}, {"mvn", "builds functions of Java"},
	} {
		path, _ := exec.LookPath(t.command) // what is not found has no path
		e.tool("tool "+t.command, path, path, t.why)
	}
	return e, nil
}

func (e *examination) add(what, state, says, hint string) {
	e.Findings = append(e.Findings, finding{what, state, says, hint})
}

func (e *examination) tool(what, path, says, hint string) {
	if path == "" {
		e.add(what, lacking, "not installed", hint)
		return
	}
	e.add(what, good, says, "")
}

// laboratory looks for one that runs, and else whether one could have the addresses.
func (e *examination) laboratory(ctx context.Context, c *client) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var running struct {
		Version   string            `json:"version"`
		Addresses map[string]string `json:"addresses"`
	}
	err := c.call(ctx, http.MethodGet, "/version", nil, &running)
	if err == nil {
		says := "runs, version " + running.Version
		for _, name := range slices.Sorted(maps.Keys(running.Addresses)) {
			says += ", " + name + " " + running.Addresses[name]
		}
		e.add("laboratory", good, says, "")
		return
	}
	e.add("laboratory", good, "none runs", "`assay up` starts one")
	for _, a := range [][2]string{{"--gateway", "127.0.0.1:8080"}, {"--aws", "127.0.0.1:4566"}, {"--console", defaultConsole}} {
		l, err := net.Listen("tcp", a[1])
		if err == nil {
			l.Close()
			e.add("address "+a[1], good, "free", "")
			continue
		}
		says, hint := err.Error(), ""
		if at := (*assay.Error)(nil); errors.As(listenError(a[0], a[1], err), &at) {
			says, hint = at.What, at.Hint
		}
		e.add("address "+a[1], wrong, says, hint)
	}
}

// folder looks at the data folder, or where it would be made.
func (e *examination) folder(data string) {
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
		e.add("data folder", wrong, fmt.Sprintf("%s cannot be written: %v", at, err), "choose another with --data")
		return
	}
	room := disk.Bavail * uint64(disk.Bsize)
	says := fmt.Sprintf("%s, %.1f GB free", data, float64(room)/(1<<30))
	if room < tight {
		e.add("data folder", lacking, says, "make room, or choose another with --data: when there is none, no trials are made")
		return
	}
	e.add("data folder", good, says, "")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sandboxes tries what a sandbox enforces here.
func (e *examination) sandboxes() {
	dir, err := os.MkdirTemp("", "assay-doctor-")
	if err == nil {
		defer os.RemoveAll(dir)
		var host *sandbox.Host
		if host, err = sandbox.Open(sandbox.Options{Dir: filepath.Join(dir, "run")}); err == nil {
			e.Enforced = host.Enforced()
			err = host.Close()
		}
	}
	if err != nil {
		e.add("sandboxes", wrong, err.Error(), "see docs/sandbox.md")
		return
	}
	for _, part := range []struct {
		name, does string
		enforced   bool
	}{
		{"memory", "functions end at their memory limit", e.Enforced.Memory},
		{"cpu", "functions get CPU in proportion to memory, as on AWS", e.Enforced.CPU},
		{"pids", "functions cannot start processes without end", e.Enforced.Pids},
		{"freeze", "nothing runs between invocations", e.Enforced.Freeze},
		{"mounts", "functions see AWS's paths, and write to /tmp alone", e.Enforced.Mounts},
		{"network", "functions reach no peer unless allowed", e.Enforced.Network},
		{"user", "functions have an unprivileged user of their own", e.Enforced.User},
	} {
		if part.enforced {
			e.add("sandbox "+part.name, good, part.does, "")
			continue
		}
		e.add("sandbox "+part.name, lacking, "not enforced: "+e.Enforced.Reasons[part.name], "docs/sandbox.md tells what each takes")
	}
}

func (e *examination) table(w io.Writer) error {
	fmt.Fprintf(w, "assay %s, %s, %d cores, %d MB\n\n", e.Version, e.System, e.Cores, e.MemoryMB)
	var lines [][]string
	for _, f := range e.Findings {
		lines = append(lines, []string{f.State, f.What, f.Says})
	}
	if err := rows(w, "STATE WHAT SAYS", lines); err != nil {
		return err
	}
	for _, f := range e.Findings {
		if f.State != good {
			fmt.Fprintf(w, "\n%s: %s\n", f.What, f.Hint)
		}
	}
	return nil
}
