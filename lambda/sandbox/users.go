//go:build linux

package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	sandboxUID = 993 // of AWS's sbx_user1051, where a user namespace can give any number
	sandboxGID = 990
	userName   = "sbx_user1051"

	firstUID = 2_046_820_352 // nobody's, by the conventions of systemd and of Debian
	smallUID = 61_184        // where this user namespace has no numbers that high: systemd's dynamic users
	manyUIDs = 4_096
)

// users gives each sandbox a user of its own: with privileges, a number that nobody else has; without,
// Assay's own user, who in the sandbox's user namespace has no rights but to what is there.
type users struct {
	privileged bool
	uid, gid   int // Assay's own
	first      int

	mu    sync.Mutex
	taken map[int]bool
}

func newUsers() *users {
	u := &users{privileged: os.Geteuid() == 0, uid: os.Geteuid(), gid: os.Getegid(), first: firstUID, taken: map[int]bool{}}
	if text, err := os.ReadFile("/proc/self/uid_map"); err == nil && !covers(text, firstUID+manyUIDs) {
		u.first = smallUID
	}
	return u
}

// covers tells whether a user namespace's map has a number.
func covers(uidMap []byte, uid int) bool {
	for line := range bytes.Lines(uidMap) {
		var inside, outside, size int
		if n, _ := fmt.Sscan(string(line), &inside, &outside, &size); n == 3 && inside <= uid && uid < inside+size {
			return true
		}
	}
	return false
}

// user is who a sandbox's processes are, by the numbers that they see.
type user struct{ uid, gid int }

func (u *users) take() user {
	if !u.privileged {
		return user{sandboxUID, sandboxGID}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for slot := range manyUIDs { // more sandboxes than that fit no machine; then they share
		if uid := u.first + slot; !u.taken[uid] {
			u.taken[uid] = true
			return user{uid, uid}
		}
	}
	return user{u.first, u.first}
}

func (u *users) give(back user) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.taken, back.uid)
}

// attr makes the user namespace, if there is to be one.
func (u *users) attr(who user) syscall.SysProcAttr {
	if u.privileged {
		return syscall.SysProcAttr{}
	}
	return syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: who.uid, HostID: u.uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: who.gid, HostID: u.gid, Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_KILL}, // process 1's alone, in that namespace
	}
}
