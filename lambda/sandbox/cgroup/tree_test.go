//go:build linux

package cgroup

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseMounts(t *testing.T) {
	got := parseMounts([]byte(`24 30 0:22 / /proc rw shared:13 - proc proc rw
34 24 0:29 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
35 24 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
36 24 0:31 / /sys/fs/cgroup/with\040blank rw - cgroup cgroup rw,memory
37 24 0:31 / /elsewhere rw - cgroup cgroup rw,memory
broken
`))
	if got.unified != "/sys/fs/cgroup/unified" || got.v1["cpu"] != "/sys/fs/cgroup/cpu,cpuacct" || got.v1["cpuacct"] != got.v1["cpu"] || got.v1["memory"] != "/sys/fs/cgroup/with blank" {
		t.Errorf("%+v", got)
	}
}

func FuzzParseMounts(f *testing.F) {
	f.Add([]byte("36 24 0:31 / /a rw - cgroup cgroup rw,memory\n"))
	f.Add([]byte(" - \n - cgroup2 x y"))
	f.Fuzz(func(t *testing.T, text []byte) { parseMounts(text); ownPath(text) })
}

func TestOwnPath(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "/",
		"0::/user.slice/a\n":                 "/user.slice/a",
		"4:memory:/x\n1:cpu:/\n0::/mine:yes": "/mine:yes",
	} {
		if got := ownPath([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestShares(t *testing.T) {
	for cores, want := range map[float64]share{
		128. / 1769:   {1447 * time.Microsecond, 20 * time.Millisecond},
		1:             {20 * time.Millisecond, 20 * time.Millisecond},
		10240. / 1769: {115772 * time.Microsecond, 20 * time.Millisecond},
		0.02:          {time.Millisecond, 50 * time.Millisecond},
		0.0001:        {time.Millisecond, time.Second},
	} {
		if got := shareOf(cores); got != want {
			t.Errorf("%v cores: %v, want %v", cores, got, want)
		}
	}
}

// fake lays out a tree of files like the kernel's. (What only the kernel does, it does not: folders come
// without files.)
func fake(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// In a delegated group whose controllers are handed down already, the tree lies there.
func TestVersion2InItsOwnGroup(t *testing.T) {
	const name = "assay-x"
	root := fake(t, map[string]string{
		"cgroup.controllers":                        "cpu memory pids\n",
		"a/b/cgroup.controllers":                    "memory cpu pids\n",
		"a/b/cgroup.subtree_control":                "memory cpu pids\n",
		"a/b/" + name + "/cgroup.subtree_control":   "memory cpu pids\n",
		"a/b/" + name + "/1/memory.max":             "max\n",
		"a/b/" + name + "/1/memory.swap.max":        "max\n",
		"a/b/" + name + "/1/memory.peak":            "41943040\n",
		"a/b/" + name + "/1/memory.stat":            "anon 1000\nfile 30000\nshmem 10000\n",
		"a/b/" + name + "/1/memory.events":          "low 0\noom 2\noom_kill 1\noom_group_kill 0\n",
		"a/b/" + name + "/1/cpu.max":                "max 100000\n",
		"a/b/" + name + "/1/cpu.stat":               "usage_usec 1500\nuser_usec 1000\n",
		"a/b/" + name + "/1/pids.max":               "max\n",
		"a/b/" + name + "/1/cgroup.freeze":          "0\n",
		"a/b/" + name + "/1/cgroup.procs":           "",
		"a/b/" + name + "/1/cgroup.subtree_control": "",
	})
	tr := open(name, mounts{unified: root}, "/a/b")
	for _, c := range []string{"memory", "cpu", "pids", "freezer"} {
		if why := tr.Missing(c); why != "" {
			t.Errorf("%s: %s", c, why)
		}
	}
	if want := []string{filepath.Join(root, "a/b", name)}; !reflect.DeepEqual(tr.Dirs(), want) {
		t.Errorf("folders %v", tr.Dirs())
	}
	g, err := tr.New("1", Limits{Memory: 128 << 20, CPU: 128. / 1769, Pids: 1024})
	if err != nil {
		t.Fatal(err)
	}
	if m := g.Memory(); m != (Memory{Peak: 40 << 20, Cache: 20000, Shmem: 10000}) || g.OOMKills() != 1 || g.CPU() != 1500*time.Microsecond {
		t.Errorf("%+v, %d, %v", m, g.OOMKills(), g.CPU())
	}
	if dir, err := g.Dir(); err != nil || dir == nil || g.Tasks() != nil {
		t.Errorf("%v, %v, %v", dir, err, g.Tasks())
	} else {
		dir.Close()
	}
	in := filepath.Join(root, "a/b", name, "1")
	says := func(file, want string) {
		t.Helper()
		if text, _ := os.ReadFile(filepath.Join(in, file)); !strings.HasPrefix(string(text), want) {
			t.Errorf("%s says %q, want %q", file, text, want)
		}
	}
	says("memory.max", "134217728")
	says("memory.swap.max", "0")
	says("pids.max", "1024")
	g.Throttle(true)
	says("cpu.max", "1447 20000")
	g.Freeze(true)
	says("cgroup.freeze", "1")
}

// Where the own group has nothing to hand down, a group above it is taken, and what is missing is told.
func TestVersion2Above(t *testing.T) {
	root := fake(t, map[string]string{
		"cgroup.controllers":             "cpu memory pids\n",
		"cgroup.subtree_control":         "memory pids cpu\n",
		"a/cgroup.controllers":           "memory pids\n",
		"a/cgroup.subtree_control":       "memory pids\n",
		"a/x/cgroup.subtree_control":     "memory pids\n",
		"a/b/cgroup.controllers":         "\n",
		"a/b/c/cgroup.controllers":       "",
		"a/x/something/cgroup.procs":     "",
		"a/b/c/cgroup.subtree_control":   "",
		"a/b/cgroup.subtree_control":     "",
		"somebody/elses/cgroup.procs":    "1\n",
		"a/b/c/leaf/cgroup.subtree_ctrl": "",
	})
	tr := open("x", mounts{unified: root}, "/a/b/c")
	if tr.Missing("memory") != "" || tr.Missing("pids") != "" || !strings.Contains(tr.Missing("cpu"), "not delegated") || tr.dirs[""] != filepath.Join(root, "a/x") {
		t.Errorf("%+v", tr)
	}
}

func TestNothingIsMounted(t *testing.T) {
	tr := open("x", mounts{v1: map[string]string{}}, "/")
	if why := tr.Missing("memory"); why != "the controller memory is not mounted" {
		t.Error(why)
	}
	if tr = open("x", mounts{unified: t.TempDir()}, "/a"); !strings.Contains(tr.Missing("cpu"), "docs/sandbox.md") {
		t.Error(tr.Missing("cpu"))
	}
}

// A hybrid machine has the controllers in version 1, and an empty hierarchy of version 2.
func TestHybrid(t *testing.T) {
	unified, memory := fake(t, map[string]string{"cgroup.controllers": "hugetlb\n"}), t.TempDir()
	tr := open("x", mounts{unified: unified, v1: map[string]string{"memory": memory}}, "/")
	if tr.Missing("memory") != "" || tr.dirs["memory"] != filepath.Join(memory, "x") || tr.Missing("cpu") == "" {
		t.Errorf("%+v", tr)
	}
}
