package lambda

import (
	"path/filepath"
	"slices"
	"strings"
)

// layered adds to the paths that runtimes search what the version's layers bring, in AWS's order: what is
// in the function's code wins.
func (v *environment) layered(all map[string]string) {
	if len(v.version.opt()) == 0 {
		return
	}
	found := v.version.Interpreter.Version // "nodejs20.x", "python3.11" or ""
	join := func(folders ...string) string {
		var list []string
		for _, f := range folders {
			for _, opt := range v.opt() {
				list = append(list, filepath.Join(opt, f))
			}
		}
		return strings.Join(list, ":")
	}
	all["PATH"] += ":" + join("bin")
	all["LD_LIBRARY_PATH"] += ":" + join("lib")
	all["NODE_PATH"] = join("nodejs/node"+strings.Trim(found, "nodejs.x")+"/node_modules", "nodejs/node_modules") + ":" + all["NODE_PATH"]
	all["PYTHONPATH"] = join("python/lib/"+found+"/site-packages", "python")
}

// opt is where processes see the layers: in /opt, one over the other, or, where the machine does not let
// that be, in their own folders, the topmost first.
func (v *environment) opt() []string {
	if v.box.Path("/opt") == "/opt" {
		return []string{"/opt"}
	}
	folders := slices.Clone(v.version.opt())
	slices.Reverse(folders)
	return folders
}
