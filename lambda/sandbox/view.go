//go:build linux

package sandbox

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assaylab/assay/lambda/sandbox/loader"
)

// system lists what of the machine a sandbox sees, read-only: programs and what they need, and no one's
// data.
var system = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store", "/gnu/store"}

// own lists what lies there and is Assay's: definitions, flags, and secrets that people keep beside them.
var own = []string{"/etc/assay", "/etc/default/assay"}

// devices are those that a sandbox has. As on AWS there is no /dev/shm.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// view is how sandboxes see this machine.
type view struct {
	folders []string          // of system, those that are there
	links   map[string]string // of system, those that are links, with their targets
	hidden  []string          // folders and files in folders, of which nothing is seen
	passwd  []byte            // the machine's users and groups, without the sandbox's
	group   []byte
	hosts   []byte
	resolv  string // the true path of resolv.conf, if it lies outside of /etc
}

func newView() (view, error) {
	v := view{links: map[string]string{}, hidden: own}
	for _, path := range system {
		info, err := os.Lstat(path)
		switch {
		case err != nil:
			continue // not on this machine
		case info.Mode().Type() == os.ModeSymlink:
			if v.links[path], err = os.Readlink(path); err != nil {
				return v, err
			}
		default:
			v.folders = append(v.folders, path)
		}
	}
	v.passwd, _ = os.ReadFile("/etc/passwd") // without it, the sandbox has only its own user
	v.group, _ = os.ReadFile("/etc/group")
	v.hosts = []byte("127.0.0.1 localhost sandbox sandbox.localdomain\n::1 localhost\n")
	if real, err := filepath.EvalSymlinks("/etc/resolv.conf"); err == nil && !strings.HasPrefix(real, "/etc/") {
		v.resolv = real
	}
	return v, nil
}

const (
	spare  = 50 // a file descriptor for one step after another
	tmpFD  = 51 // the folder /tmp
	before = 4  // and after: file descriptors that a script opens and forgets
)

// builder adds the making of a view to a script, below a folder that becomes its root.
type builder struct {
	*loader.Script
	root string
	made map[string]bool
}

// build makes the sandbox's file system and enters it. Afterwards the host's is out of reach.
func (s *Sandbox) build(script *loader.Script) {
	v := s.host.view
	b := &builder{script, filepath.Join(s.host.dir, "root"), map[string]bool{"/": true}}
	b.mount("making mounts private", "none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	b.mount("making the root", "sandbox", b.root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,mode=755")
	for _, path := range v.folders {
		b.bind(path, path)
	}
	for path, target := range v.links {
		b.Do("linking "+path, unix.SYS_SYMLINKAT, target, unix.AT_FDCWD, b.root+path)
	}
	b.file("/etc/passwd", slices.Concat(v.passwd, fmt.Appendf(nil, "%s:x:%d:%d::/home/%s:/sbin/nologin\n", userName, s.user.uid, s.user.gid, userName)))
	b.file("/etc/group", slices.Concat(v.group, fmt.Appendf(nil, "%s:x:%d:\n", userName, s.user.gid)))
	if s.config.Network {
		b.resolver(v.resolv)
	} else {
		b.file("/etc/hosts", v.hosts)
	}
	for _, path := range v.hidden {
		b.hide(path)
	}
	for _, path := range []string{"/proc", "/tmp", "/dev"} {
		b.place(path, false)
	}
	b.mount("mounting /tmp", "tmp", b.root+"/tmp", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV,
		fmt.Sprintf("size=%dm,mode=700,uid=%d,gid=%d", s.config.TmpMB, s.user.uid, s.user.gid))
	for _, tool := range s.config.Tools {
		b.place(tool, false)
	}
	b.layers(s.config.Opt)
	for _, tool := range s.config.Tools {
		b.bind(tool, tool)
	}
	b.bind(s.config.Task, "/var/task")
	b.bind(s.config.Runtime, "/var/runtime")
	for _, path := range devices {
		b.place(path, true)
	}
	b.Do("closing files", unix.SYS_CLOSE_RANGE, before, 1<<31-1, 0) // none may be open for writing
	b.setAttr("making the view read-only", "", unix.AT_RECURSIVE, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV})
	b.setAttr("making /tmp writable", "/tmp", 0, unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
	for _, path := range devices {
		b.mount("binding "+path, path, b.root+path, "", unix.MS_BIND, "")
	}
	b.mount("mounting /proc", "proc", b.root+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	b.enter()
	b.open("/tmp", unix.O_PATH|unix.O_DIRECTORY, 0, tmpFD)
	b.SendFile(tmpFD)
	b.Do("closing files", unix.SYS_CLOSE_RANGE, before, 1<<31-1, 0)
}

func (b *builder) mount(what, source, target, kind string, flags int, data string) {
	b.Do(what, unix.SYS_MOUNT, source, target, kind, flags, data)
}

// open opens a path at a given file descriptor.
func (b *builder) open(path string, flags, mode, fd int) {
	opened := b.Do("opening "+path, unix.SYS_OPENAT, unix.AT_FDCWD, path, flags|unix.O_CLOEXEC, mode)
	opened.Into(b.Do("opening "+path, unix.SYS_DUP3, 0, fd, unix.O_CLOEXEC), 0)
}

// place makes a folder, or an empty file, for something to be mounted on. Below what is bound already,
// it is there.
func (b *builder) place(path string, file bool) {
	if b.made[path] || b.bound(path) {
		return
	}
	b.made[path] = true
	b.place(filepath.Dir(path), false)
	if file {
		b.Do("making "+path, unix.SYS_MKNODAT, unix.AT_FDCWD, b.root+path, unix.S_IFREG|0o444, 0)
	} else {
		b.Do("making "+path, unix.SYS_MKDIRAT, unix.AT_FDCWD, b.root+path, 0o755)
	}
}

// bound tells whether a path lies in a folder of the machine's.
func (b *builder) bound(path string) bool {
	return slices.ContainsFunc(system, func(folder string) bool { return strings.HasPrefix(path, folder+"/") })
}

// bind shows a folder or file of the machine at a path, with all that is mounted below.
func (b *builder) bind(source, path string) {
	if source == "" || b.bound(path) {
		return
	}
	info, err := os.Stat(source)
	b.place(path, err == nil && !info.IsDir())
	b.mount("binding "+path, source, b.root+path, "", unix.MS_BIND|unix.MS_REC, "")
}

// file puts a file of the sandbox's own over one of the machine's, if there is one.
func (b *builder) file(path string, content []byte) {
	if _, err := os.Stat(path); err != nil {
		return
	}
	own := "/." + filepath.Base(path)
	b.open(b.root+own, unix.O_WRONLY|unix.O_CREAT, 0o444, spare)
	b.Do("writing "+path, unix.SYS_WRITE, spare, content, len(content))
	b.mount("binding "+path, b.root+own, b.root+path, "", unix.MS_BIND, "")
}

// hide puts an empty folder or file over one of the machine's, if there is one. Where a link leads is not seen anyway.
func (b *builder) hide(path string) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
	case info.IsDir():
		b.mount("hiding "+path, "none", b.root+path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=4k,mode=755")
	case info.Mode().IsRegular():
		b.file(path, nil)
	}
}

// resolver shows the machine's resolv.conf where the link in /etc leads.
func (b *builder) resolver(path string) {
	if path != "" {
		b.bind(path, path)
	}
}

// layers shows folders together as /opt, the last one on top.
func (b *builder) layers(sources []string) {
	if len(sources) == 0 {
		b.place("/opt", false)
		return
	}
	if len(sources) == 1 && !b.made["/opt"] {
		b.bind(sources[0], "/opt")
		return
	}
	lower := slices.Clone(sources)
	slices.Reverse(lower)
	b.place("/opt", false)
	b.mount("mounting /opt", "layers", b.root+"/opt", "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(append(lower, b.root+"/opt"), ":"))
}

func (b *builder) setAttr(what, path string, flags int, attr unix.MountAttr) {
	var text bytes.Buffer
	binary.Write(&text, binary.NativeEndian, attr)
	b.Do(what, unix.SYS_MOUNT_SETATTR, unix.AT_FDCWD, b.root+path, flags, text.Bytes(), text.Len())
}

// enter makes the view the root, and lets go of the old one.
func (b *builder) enter() {
	b.Do("entering the view", unix.SYS_CHDIR, b.root)
	b.Do("entering the view", unix.SYS_PIVOT_ROOT, ".", ".")
	b.Do("leaving the machine's files", unix.SYS_UMOUNT2, ".", unix.MNT_DETACH)
	b.Do("entering the view", unix.SYS_CHDIR, "/")
}

// Tools lists the folders that a program at a path of this machine needs beside the system's: for an
// interpreter in a folder of its own, such as /home/me/.pyenv/versions/3.12.1, that folder.
func Tools(program string) []string {
	paths := []string{program}
	if real, err := filepath.EvalSymlinks(program); err == nil && real != program {
		paths = append(paths, real)
	}
	var all []string
	for _, path := range paths {
		folder := filepath.Dir(path)
		if filepath.Base(folder) == "bin" {
			folder = filepath.Dir(folder)
		}
		covered := func(known string) bool { return path == known || strings.HasPrefix(path, known+"/") }
		if program != "" && !slices.ContainsFunc(slices.Concat(system, all), covered) {
			all = append(all, folder)
		}
	}
	return all
}
