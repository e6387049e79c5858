package pack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// named is how many of the biggest parts an error names.
const named = 5

// checkSize refuses what AWS would not unpack.
func checkSize(s Source, files []entry) error {
	var size int64
	for _, e := range files {
		size += e.size
	}
	if size > MaxUnzipped {
		return s.tooLarge("unzipped, the package measures", size, MaxUnzipped, files)
	}
	return nil
}

// tooLarge tells a limit that is passed, and what is biggest.
func (s Source) tooLarge(what string, size, limit int64, files []entry) error {
	sizes := map[string]int64{}
	for _, e := range files {
		sizes[part(e.name)] += e.size
	}
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), strings.Compare(a, b))
	})
	var biggest []string
	for _, n := range names[:min(named, len(names))] {
		biggest = append(biggest, n+" "+megabytes(sizes[n]))
	}
	return s.fail(fmt.Sprintf("%s %s, and AWS Lambda takes %s; the biggest in it: %s", what, megabytes(size), megabytes(limit), strings.Join(biggest, ", ")),
		s.Path, "leave things out with a line in "+ignoreFile+", or move them to a layer")
}

// part names what a file belongs to, for people: its package, or the folder or file at the root.
func part(name string) string {
	steps := strings.Split(name, "/")
	n := 1
	if i := slices.Index(steps, "node_modules"); i >= 0 && i+1 < len(steps) {
		n = i + 2
		if strings.HasPrefix(steps[i+1], "@") {
			n++
		}
	}
	return strings.Join(steps[:min(n, len(steps))], "/")
}

func megabytes(n int64) string { return fmt.Sprintf("%.4g MB", float64(n)/(1<<20)) }
