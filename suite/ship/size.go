package ship

import (
	"archive/zip"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assaylab/assay"
)

// limits are AWS's, in bytes: of the zip of a function's code or of a layer, and of all files of a function
// and its layers.
type limits struct{ zip, unzipped int64 }

var aws = limits{50 << 20, 250 << 20}

// near is the share of a limit from which on it is spoken of.
const near = 0.8

// packed is a zip that is sent.
type packed struct {
	name     string
	zip      int64 // bytes
	unzipped int64
	biggest  []part
}

// part is a file or folder of a package's top level, with its size in the zip.
type part struct {
	name string
	size int64
}

// measure reads what a zip holds.
func measure(name, file string) (packed, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return packed{}, err
	}
	defer z.Close()
	p, sums := packed{name: name}, map[string]int64{}
	for _, f := range z.File {
		p.unzipped += int64(f.UncompressedSize64)
		sums[top(f.Name)] += int64(f.CompressedSize64)
		p.zip += int64(f.CompressedSize64)
	}
	for name, size := range sums {
		p.biggest = append(p.biggest, part{name, size})
	}
	slices.SortFunc(p.biggest, func(a, b part) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name)) })
	return p, nil
}

// top is the file or folder of the top level that a file belongs to.
func top(file string) string {
	parts := strings.Split(file, "/")
	switch {
	case parts[0] == "linked" && len(parts) > 2:
		return escape.undo.Replace(parts[1]) + "/" + parts[2]
	case (parts[0] == "base" || parts[0] == "python") && len(parts) > 1:
		return parts[1]
	}
	return parts[0]
}

// fit says what is near to a limit, and fails with what is beyond one; both with what is biggest, and the
// way out.
func (l limits) fit(all []packed) (warning string, err error) {
	var unzipped int64
	var lines []string
	worst := 0.0
	for _, p := range all {
		unzipped += p.unzipped
		share := float64(p.zip) / float64(l.zip)
		worst = max(worst, share)
		if share >= near {
			lines = append(lines, fmt.Sprintf("the zip of %s is %d MB, of %d at most", p.name, p.zip>>20, l.zip>>20))
		}
	}
	if share := float64(unzipped) / float64(l.unzipped); share >= near {
		worst = max(worst, share)
		lines = append(lines, fmt.Sprintf("unzipped it is %d MB, of %d at most", unzipped>>20, l.unzipped>>20))
	}
	if len(lines) == 0 {
		return "", nil
	}
	what := strings.Join(append(lines, biggest(all)...), "\n  ")
	const hint = "name in .assayignore what the tests do not need, in requirements.txt the packages that they do"
	if worst > 1 {
		return "", &assay.Error{Code: assay.CodeInvalid, What: "the package is too large: " + what, Hint: hint}
	}
	return "the package is near Lambda's limits: " + what + "\n  hint: " + hint, nil
}

// biggest lists the five largest parts.
func biggest(all []packed) (lines []string) {
	var parts []part
	for _, p := range all {
		parts = append(parts, p.biggest...)
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.size, a.size) })
	for _, p := range parts[:min(5, len(parts))] {
		lines = append(lines, fmt.Sprintf("%7.1f MB  %s", float64(p.size)/(1<<20), p.name))
	}
	return lines
}
