package pack

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const lockFile = "package-lock.json"

// manifest is what of a package.json matters here.
type manifest struct {
	Dependencies map[string]string `json:"dependencies"`
	Optional     map[string]string `json:"optionalDependencies"`
	Workspaces   any               `json:"workspaces"`
}

// local tells whether dependencies are other folders.
func (m manifest) local() bool {
	for _, v := range slices.Concat(slices.Collect(maps.Values(m.Dependencies)), slices.Collect(maps.Values(m.Optional))) {
		if strings.HasPrefix(v, "file:") || strings.HasPrefix(v, "link:") || strings.HasPrefix(v, ".") || strings.HasPrefix(v, "/") {
			return true
		}
	}
	return m.Workspaces != nil
}

// node installs the dependencies of package.json, not those for development, to the letter of its lock
// file. Without a lock file node_modules is taken as it is, if it is there.
func (p *Packer) node(s Source) (*recipe, error) {
	file := filepath.Join(s.Path, "package.json")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, s.wrong(err, file, "make it readable")
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, s.fail("package.json cannot be read: "+err.Error(), file, "mend it; `npm pkg get name` tells whether npm reads it")
	}
	installed, locked := exists(filepath.Join(s.Path, "node_modules")), exists(filepath.Join(s.Path, lockFile))
	if len(m.Dependencies)+len(m.Optional) == 0 || installed && !locked {
		return nil, nil
	}
	npm, err := p.tool(s, "npm", "package.json names dependencies", "install them into node_modules and remove "+lockFile)
	if err != nil {
		if installed {
			return nil, nil
		}
		return nil, err
	}
	if m.local() {
		return nil, p.localNode(s, installed)
	}
	how := "ci"
	if !locked {
		how = "install" // and the versions of today
	}
	return &recipe{
		name: "npm " + how, tool: fingerprint(npm) + p.fingerprintOf("node"),
		skip:   []string{"/node_modules"},
		inputs: func(name string) bool { return slices.Contains([]string{"package.json", lockFile, ".npmrc"}, name) },
		make:   func(ctx context.Context, b bench) error { return b.npm(ctx, npm, how) },
	}, nil
}

// localNode is content with what is installed: npm links dependencies that are folders, and links lead to
// where they are now.
func (p *Packer) localNode(s Source, installed bool) error {
	if installed {
		return nil
	}
	return s.fail("package.json has dependencies that are folders, and node_modules is not there", s.Path, "run npm install in the folder, or give a build command")
}

func (p *Packer) fingerprintOf(name string) string {
	path, err := p.opts.LookPath(name)
	if err != nil {
		return ""
	}
	return fingerprint(path)
}

// npm installs into a folder with nothing but the files that name dependencies. The package's own scripts
// are left out: they may want the rest of it, and tools of development.
func (b bench) npm(ctx context.Context, npm, how string) error {
	for _, name := range []string{"package.json", lockFile, ".npmrc"} {
		text, err := os.ReadFile(filepath.Join(b.source.Path, name))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil && name == "package.json" {
			text, err = withoutScripts(text)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(b.work, name), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	_, err := b.run(ctx, b.source, command{dir: b.work, args: []string{npm, how, "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"},
		hint: "the command was: npm " + how + " --omit=dev, with " + filepath.Join(b.source.Path, "package.json")})
	if err != nil || !exists(filepath.Join(b.work, "node_modules")) {
		return err
	}
	return os.Rename(filepath.Join(b.work, "node_modules"), filepath.Join(b.out, "node_modules"))
}

func withoutScripts(text []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	delete(all, "scripts")
	return json.Marshal(all)
}
