package ship

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/suite/tree"
)

//go:embed packages.py
var listPackages string

// Packages are what an interpreter has installed that a project's tests need, as a layer for workers
// elsewhere. There is none if Key is "".
type Packages struct {
	Layer
	Runtime string // AWS's name of the interpreter's version
}

// oldest is the first version of Python 3 that AWS still runs.
const oldest = 9

// Python describes the packages of a project's interpreter: those that the project's files ask for, and
// what these need. They are keyed by their names and versions, and by the project's lock files; contents
// are read only when the layer is written.
func Python(ctx context.Context, interpreter, runner, project, scratch string) (Packages, error) {
	out, err := exec.CommandContext(ctx, interpreter, "-c", listPackages, runner, project).Output()
	if err != nil {
		return Packages{}, unlisted(interpreter, err)
	}
	var told struct {
		Minor    int
		Platform string
		Packages []string
		Files    map[string]string
	}
	if err := json.Unmarshal(out, &told); err != nil {
		return Packages{}, unlisted(interpreter, err)
	}
	if told.Minor < oldest {
		return Packages{}, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("AWS does not run Python 3.%d any longer", told.Minor), Where: interpreter, Hint: "make a virtual environment of a later version"}
	}
	p := Packages{Runtime: fmt.Sprint("python3.", told.Minor)}
	if len(told.Packages) == 0 {
		return p, nil
	}
	p.Name, p.Key = "Python's packages", digest(p.Runtime, told.Platform, told.Packages, lockFiles(project))
	p.Write = func(w io.Writer) error { return writePackages(ctx, w, interpreter, told.Files, scratch) }
	return p, nil
}

func unlisted(interpreter string, err error) error {
	e := &assay.Error{Code: assay.CodeInvalid, What: "the installed packages cannot be listed: " + err.Error(), Where: interpreter, Err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		e.What += "\n" + string(bytes.TrimSpace(exit.Stderr))
	}
	return e
}

func digest(parts ...any) string {
	h := sha256.New()
	json.NewEncoder(h).Encode(parts)
	return hex.EncodeToString(h.Sum(nil))
}

// lockFiles are the hashes of the files that say what the project's packages are.
func lockFiles(project string) (sums []string) {
	for _, glob := range []string{"requirements*.txt", "requirements/*.txt", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "pylock.toml"} {
		files, _ := filepath.Glob(filepath.Join(project, glob))
		for _, f := range files {
			if text, err := os.ReadFile(f); err == nil {
				sums = append(sums, fmt.Sprintf("%s %x", filepath.Base(f), sha256.Sum256(text)))
			}
		}
	}
	return sums
}

// writePackages writes packages below python/, with their bytecode, which workers elsewhere cannot keep.
// It is not checked against its source: zips change the times by which that is done.
func writePackages(ctx context.Context, w io.Writer, interpreter string, files map[string]string, scratch string) error {
	folder, err := os.MkdirTemp(scratch, "packages-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	for name, from := range files {
		if err := copyFile(filepath.Join(folder, filepath.FromSlash(name)), from); err != nil {
			return err
		}
	}
	compile := exec.CommandContext(ctx, interpreter, "-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash", "-s", folder, folder)
	compile.Run() // a file that is of another version of Python stays without bytecode
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return tree.Zip(w, os.DirFS(folder), "python/", nil)
}

func copyFile(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}
