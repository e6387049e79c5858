//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The core of version 2, without controllers, is there on hybrid machines too: processes are started in
// a group, frozen, and killed, for real.
func TestCoreOfVersion2(t *testing.T) {
	mountinfo, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	root := parseMounts(mountinfo).unified
	dir := filepath.Join(root, fmt.Sprintf("assay-core-%d", os.Getpid()))
	if root == "" || mkdir(dir) != nil {
		t.Skip("there is no version 2, or no right to it")
	}
	tr := &Tree{dialect: v2, dirs: map[string]string{"": dir, "freezer": dir, "cpuacct": dir}}
	defer func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	}()
	g, err := tr.New("1", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := g.Dir()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	cmd := exec.Command("/bin/sh", "-c", "while :; do :; done")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(in.Fd())}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if pids := processes(g.dirs[""]); len(pids) != 1 || pids[0] != cmd.Process.Pid {
		t.Errorf("processes %v", pids)
	}
	for g.CPU() == 0 {
		time.Sleep(time.Millisecond) // it runs in real time
	}
	if err := g.Freeze(true); err != nil {
		t.Fatal(err)
	}
	frozen := func() bool {
		text, _ := os.ReadFile(filepath.Join(g.dirs[""], "cgroup.events"))
		return strings.Contains(string(text), "frozen 1")
	}
	for range 1000 {
		if frozen() {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !frozen() {
		t.Error("it is not frozen")
	}
	kill(g.dirs[""]) // the frozen die too
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("exit %v", err)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
}
