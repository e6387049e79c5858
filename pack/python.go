package pack

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// probePython prints what decides which packages pip chooses.
const probePython = `import sys, sysconfig, importlib.metadata as m
print("python%d.%d" % sys.version_info[:2])
print(sys.version, sysconfig.get_platform(), "pip", m.version("pip"))`

// python installs requirements.txt into the root of the package, with the interpreter that runs it.
func (p *Packer) python(ctx context.Context, s Source) (*recipe, error) {
	file := filepath.Join(s.Path, "requirements.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, s.wrong(err, file, "make it readable")
	}
	if !requires(string(text)) {
		return nil, nil
	}
	python, version, err := p.findPython(ctx, s)
	if err != nil {
		return nil, err
	}
	r := &recipe{
		name: "pip install -r requirements.txt", tool: version,
		inputs: func(name string) bool { return name == "requirements.txt" },
		make: func(ctx context.Context, b bench) error {
			_, err := b.run(ctx, s, command{dir: s.Path, args: []string{
				python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore", "--no-input",
				"--no-compile", "--target", b.out, "-r", "requirements.txt",
			}})
			return err
		},
	}
	if local(string(text)) {
		r.inputs, r.fresh = nil, true
	}
	return r, nil
}

// requires tells whether a file of requirements names any.
func requires(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

// local tells whether a file of requirements leads to other files.
func local(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, sign := range []string{"-r", "-c", "-e", "--requirement", "--constraint", "--editable", "--find-links", "-f", ".", "/"} {
			if strings.HasPrefix(line, sign) {
				return true
			}
		}
		if strings.Contains(line, "file:") {
			return true
		}
	}
	return false
}

// findPython finds the interpreter of the runtime: "python3" takes whatever is installed.
func (p *Packer) findPython(ctx context.Context, s Source) (path, version string, err error) {
	var others []string
	for _, name := range []string{s.Runtime, "python3", "python"} {
		path, err := p.opts.LookPath(name)
		if err != nil {
			continue
		}
		said, err := p.run(ctx, s, command{args: []string{path, "-c", probePython}})
		if err != nil {
			continue // a command that only stands for one, or one without pip
		}
		found, version, _ := strings.Cut(strings.TrimSpace(said), "\n")
		if s.Runtime == "python3" || s.Runtime == found {
			return path, version, nil
		}
		others = append(others, found)
	}
	if len(others) > 0 {
		return "", "", s.fail("requirements.txt wants pip for "+s.Runtime+", and this machine has it for "+others[0], s.Path,
			"install "+s.Runtime+", or write runtime: "+others[0]+", or python3 for whatever is installed")
	}
	return "", "", s.fail("requirements.txt wants pip, and there is none", s.Path, "install it (Debian: python3-pip), or install the requirements into the folder and give `build: \"true\"`")
}
