//go:build linux

package cgroup

import (
	"strings"
)

// mounts tells where hierarchies are.
type mounts struct {
	v1      map[string]string // by controller
	unified string            // version 2; "" if it is not mounted
}

// parseMounts reads /proc/self/mountinfo: see proc(5). Of several mounts of one hierarchy the first counts.
func parseMounts(mountinfo []byte) mounts {
	m := mounts{v1: map[string]string{}}
	for line := range strings.Lines(string(mountinfo)) {
		place, system, ok := strings.Cut(line, " - ")
		where, what := strings.Fields(place), strings.Fields(system)
		if !ok || len(where) < 5 || len(what) < 3 {
			continue
		}
		point := unescape(where[4])
		switch what[0] {
		case "cgroup2":
			if m.unified == "" {
				m.unified = point
			}
		case "cgroup":
			for controller := range strings.SplitSeq(what[2], ",") {
				if m.v1[controller] == "" {
					m.v1[controller] = point
				}
			}
		}
	}
	return m
}

// unescape undoes what mountinfo does to a path's blanks and backslashes.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// ownPath reads the process's group of version 2 from /proc/self/cgroup: "/" if it has none.
func ownPath(self []byte) string {
	for line := range strings.Lines(string(self)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return path
		}
	}
	return "/"
}
