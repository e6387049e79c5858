package runner

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite"
	"github.com/assaylab/assay/suite/runner/gotests"
)

// goBinaries is the folder of a snapshot in which the test binaries are.
const goBinaries = ".assay-go"

// inGo builds the packages' test binaries, once each, and lists the tests by reading the sources: a binary
// that lists runs TestMain. `go test` itself decides what is built, and with which arguments it would be
// run; in place of each binary it runs keep_go.py, which keeps it.
func inGo(ctx context.Context, k Kind, p Place, args []string) (suite.Listing, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return suite.Listing{}, &assay.Error{Code: assay.CodeInvalid, What: "go is not installed", Where: p.Dir, Hint: k.missing, Err: err}
	}
	kept := filepath.Join(p.Build, "go")
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return suite.Listing{}, err
	}
	args, patterns := gotests.Arguments(args)
	keep := strings.Join([]string{quoted(p.Python), quoted(filepath.Join(p.Worker, "keep_go.py")), quoted(kept)}, " ")
	printed, ended := p.run(ctx, slices.Concat([]string{"go", "test", "-count=1", "-exec", keep}, args)...)
	if ctx.Err() != nil {
		return suite.Listing{}, ctx.Err()
	}
	l := suite.Listing{Output: printed, Partial: true, Errors: goFaults(printed)}
	var exit *exec.ExitError
	if errors.As(ended, &exit) {
		l.Exit = exit.ExitCode()
	}
	built, err := readBuilt(kept)
	if err != nil {
		return l, err
	}
	list, stderr := p.run(ctx, slices.Concat([]string{"go", "list", "-e", "-json=Dir,ImportPath,TestGoFiles,XTestGoFiles"}, gotests.BuildFlags(args), patterns)...)
	if len(built) == 0 {
		return l, nil
	}
	packages, err := gotests.Packages(list)
	if err != nil {
		return l, &assay.Error{Code: assay.CodeInvalid, What: "go list tells nothing of the packages: " + suite.FirstLine(list), Where: p.Dir, Err: errors.Join(err, stderr)}
	}
	return l, goTests(&l, p, packages, built)
}

// quoted is a word as go reads those of -exec: there are quotes, and no escapes.
func quoted(word string) string {
	if strings.Contains(word, "'") {
		return `"` + word + `"`
	}
	return "'" + word + "'"
}

// built is what keep_go.py notes of a package.
type built struct {
	Dir    string   `json:"dir"`
	Binary string   `json:"binary"` // name of the file
	Args   []string `json:"args"`   // that the binary would get
}

func readBuilt(kept string) (map[string]built, error) {
	all := map[string]built{}
	notes, err := filepath.Glob(filepath.Join(kept, "*.json"))
	for _, note := range notes {
		var b built
		data, err := os.ReadFile(note)
		if err == nil {
			err = json.Unmarshal(data, &b)
		}
		if err != nil {
			return nil, err
		}
		all[b.Dir] = b
	}
	return all, err
}

// goPackage is what run_go.py wants to know of a package.
type goPackage struct {
	Dir    string            `json:"dir"`    // relative to the project
	Binary string            `json:"binary"` // relative to the project
	Local  string            `json:"local"`  // on this machine
	Args   []string          `json:"args,omitempty"`
	Run    map[string]string `json:"run,omitempty"` // by test: -test.run, if it is more than the test's name
}

// goTests fills in a listing's tests, and what the worker needs to run them.
func goTests(l *suite.Listing, p Place, packages []gotests.Package, all map[string]built) error {
	about := map[string]goPackage{}
	l.Files = map[string]string{}
	for _, pkg := range packages {
		b, ok := all[pkg.Dir]
		if !ok {
			continue // no tests, or it could not be built
		}
		choice, args := gotests.Choose(b.Args)
		listed, err := pkg.Tests()
		if err != nil {
			return &assay.Error{Code: assay.CodeInvalid, What: "tests cannot be read: " + err.Error(), Where: pkg.Dir, Err: err}
		}
		dir, err := filepath.Rel(p.Dir, pkg.Dir)
		if err != nil {
			return err
		}
		g := goPackage{Dir: dir, Binary: goBinaries + "/" + b.Binary, Local: filepath.Join(p.Build, "go", b.Binary), Args: args, Run: map[string]string{}}
		for _, t := range listed.Tests {
			run, ok := choice.Pattern(t.Name)
			if !ok {
				continue
			}
			if run != "" {
				g.Run[t.Name] = run
			}
			l.Tests = append(l.Tests, suite.Test{ID: pkg.ImportPath + "." + t.Name, File: filepath.Join(dir, t.File), Line: t.Line,
				Scope: pkg.ImportPath, Whole: listed.Main, Name: t.Name, Class: pkg.ImportPath})
		}
		about[pkg.ImportPath] = g
		l.Files[g.Binary] = g.Local
		if choice.FailFast {
			l.Settings = map[string]string{"maxfail": "1"}
		}
	}
	text, err := json.Marshal(about)
	if l.Settings == nil {
		l.Settings = map[string]string{}
	}
	l.Settings["packages"] = string(text)
	return err
}

var goFailed = regexp.MustCompile(`^FAIL\t(\S+) \[(.*)\]$`)

// goFaults reads from what `go test` prints which packages cannot be built, and why.
func goFaults(printed string) (faults []suite.Fault) {
	said, header := map[string]string{}, ""
	lines := bufio.NewScanner(bytes.NewReader([]byte(printed)))
	lines.Buffer(nil, maxPrinted)
	for lines.Scan() {
		line := lines.Text()
		if failed := goFailed.FindStringSubmatch(line); failed != nil {
			everything := strings.Join(values(said), "")
			faults = append(faults, suite.Fault{Where: failed[1], Detail: cmp.Or(said[failed[1]], everything, failed[2])})
			header = ""
			continue
		}
		switch rest, isHeader := strings.CutPrefix(line, "# "); {
		case isHeader && strings.HasPrefix(rest, "["): // of vet, below another
		case isHeader:
			header, _, _ = strings.Cut(rest, " ")
		case strings.HasPrefix(line, "ok  \t"), strings.HasPrefix(line, "?   \t"), line == "FAIL":
			header = ""
		case header != "":
			said[header] += line + "\n"
		}
	}
	return faults
}

func values(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}
