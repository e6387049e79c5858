package lambda

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

//go:embed bootstrap
var bootstraps embed.FS

// writeBootstraps lays the runtimes' own files out in a folder.
func writeBootstraps(dir string) error {
	return fs.WalkDir(bootstraps, "bootstrap", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := bootstraps.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, path.Base(name)), content, 0o644)
	})
}

// interpreter is a language's runtime as found on this machine. It is zero for provided.*.
type interpreter = control.Interpreter

// language is a family of managed runtimes.
type language struct {
	prefix    string   // of the names of its runtimes: with nothing or a version behind
	bootstrap string   // our file that runs handlers
	commands  []string // to look for, after the exact name if that is a command too
	probe     []string // arguments that make it print its path and its version
	files     []string // what may follow a handler's module
	packaged  string   // the Debian package

	version func(string) string         // of what a probe prints, if it does not print a path and AWS's word for the version
	args    func(*environment) []string // of the command line, if there is no bootstrap of ours
}

var languages = []language{
	{
		prefix: "python3", bootstrap: "bootstrap.py", commands: []string{"python3"}, packaged: "python3",
		probe: []string{"-I", "-c", `import sys; print(sys.executable); print("python%d.%d" % sys.version_info[:2])`},
		files: []string{".py", "/__init__.py", ".so"},
	},
	{
		prefix: "nodejs", bootstrap: "bootstrap.mjs", commands: []string{"node", "nodejs"}, packaged: "nodejs",
		probe: []string{"-p", `process.execPath + "\nnodejs" + process.versions.node.split(".")[0] + ".x"`},
		files: []string{".js", ".mjs", ".cjs", "", "/index.js"},
	},
	{
		prefix: "java", commands: []string{"java"}, packaged: "default-jre-headless",
		probe: []string{"--version"}, version: javaVersion, args: javaArgs,
	},
	{
		prefix: "ruby", commands: []string{"ruby"}, packaged: "ruby",
		probe: []string{"-e", `puts RbConfig.ruby, "ruby" + RUBY_VERSION[/\d+\.\d+/]`}, args: rubyArgs,
	},
}

// javaVersion reads "openjdk 17.0.15 2025-04-15".
func javaVersion(printed string) string {
	words := strings.Fields(printed)
	if len(words) < 2 {
		return ""
	}
	major, _, _ := strings.Cut(words[1], ".")
	return "java" + major
}

// javaArgs start AWS's own client, com.amazonaws:aws-lambda-java-runtime-interface-client, which must be
// in the function's lib folder or in a layer's java/lib.
func javaArgs(v *environment) []string {
	task := v.box.Path("/var/task")
	path := []string{task, filepath.Join(task, "lib", "*"), v.box.Path("/opt/java/lib") + "/*"}
	return []string{"-cp", strings.Join(path, ":"), "com.amazonaws.services.lambda.runtime.api.client.AWSLambda", v.version.Handler}
}

// rubyArgs start AWS's own client, the gem aws_lambda_ric, which must be installed or come with a layer.
func rubyArgs(v *environment) []string { return []string{"-S", "aws_lambda_ric", v.version.Handler} }

// module is the path of a handler's module without its ending: "dir/index" of "dir/index.handler", and
// for Python also of "dir.index.handler".
func (l language) module(handler string) string {
	if l.prefix == "python3" {
		return strings.ReplaceAll(handler[:max(0, strings.LastIndexByte(handler, '.'))], ".", "/")
	}
	dir, base := path.Split(handler)
	name, _, _ := strings.Cut(base, ".")
	return dir + name
}

// provided tells whether the function brings its own bootstrap.
func provided(runtime string) bool {
	return runtime == "provided" || strings.HasPrefix(runtime, "provided.")
}

// languageOf finds the family of a runtime's name, such as "python3.12", "nodejs20.x" or "nodejs".
func languageOf(runtime string) (language, bool) {
	for _, l := range languages {
		rest, ok := strings.CutPrefix(runtime, l.prefix)
		if ok && strings.Trim(rest, "0123456789.x") == "" {
			return l, true
		}
	}
	return language{}, false
}

// known lists the runtimes that languageOf and provided take.
const known = "python3, python3.X, nodejs, nodejsN.x, java, javaN, ruby, rubyX.Y and provided.al2023"

// runtimeFinder finds interpreters, and remembers what it found.
type runtimeFinder struct {
	look func(string) (string, error)

	mu    sync.Mutex
	found map[string]interpreter // by runtime
}

// find looks for a runtime. A bare name ("python3", "nodejs") is content with any version.
func (r *runtimeFinder) find(ctx context.Context, runtime string) (interpreter, error) {
	if provided(runtime) {
		return interpreter{}, nil
	}
	l, ok := languageOf(runtime)
	if !ok {
		return interpreter{}, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("the embedded engine does not run %q yet", runtime), Hint: "it runs " + known}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.found[runtime]; ok {
		if _, err := os.Stat(i.Path); err == nil {
			return i, nil
		}
	}
	var others []string
	for _, command := range append([]string{runtime}, l.commands...) {
		i, err := r.probe(ctx, command, l)
		if err != nil {
			continue
		}
		if runtime == l.prefix || runtime == i.Version {
			if r.found == nil {
				r.found = map[string]interpreter{}
			}
			r.found[runtime] = i
			return i, nil
		}
		others = append(others, i.Version)
	}
	return interpreter{}, l.missing(runtime, others)
}

// probe asks a command what it is: what is on the PATH may be a slow script that looks for the right
// interpreter at each start.
func (r *runtimeFinder) probe(ctx context.Context, command string, l language) (interpreter, error) {
	found, err := r.look(command)
	if err != nil {
		return interpreter{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, found, l.probe...).Output()
	if err != nil {
		return interpreter{}, err
	}
	real, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if l.version != nil {
		version = l.version(real)
		if real, err = filepath.EvalSymlinks(found); err != nil {
			return interpreter{}, err
		}
	}
	return interpreter{Path: real, Version: version}, nil
}

// Found is a language that the engine runs, and what of it is on this machine.
type Found struct {
	Runtime string `json:"runtime"`           // as a definition may call it: any version is good
	Version string `json:"version,omitempty"` // AWS's word for the one that is installed; "" if none is
	Path    string `json:"path,omitempty"`
	Package string `json:"package"` // of Debian, that brings one
}

// FindRuntimes looks for the interpreters of all languages; look finds commands, as exec.LookPath does.
func FindRuntimes(ctx context.Context, look func(string) (string, error)) []Found {
	finder := runtimeFinder{look: look}
	var all []Found
	for _, l := range languages {
		i, _ := finder.find(ctx, l.prefix) // what is not found has no path
		all = append(all, Found{Runtime: l.prefix, Version: i.Version, Path: i.Path, Package: l.packaged})
	}
	return all
}

// missing is the error for a runtime that is not there while others of its language may be.
func (l language) missing(runtime string, others []string) error {
	hint := fmt.Sprintf("the Debian package %s brings one; write runtime: %s for whatever is installed", l.packaged, l.prefix)
	if len(others) > 0 {
		hint = fmt.Sprintf("this machine has %s: write runtime: %s, or %s for whatever is installed", others[0], others[0], l.prefix)
	}
	return &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("runtime %s is not installed", runtime), Hint: hint}
}
