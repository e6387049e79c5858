package lambda

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/assaylab/assay"
)

// command is what runs the function. As on AWS, the runtimes of a language are started by the script in
// AWS_LAMBDA_EXEC_WRAPPER, if the function names one; it gets their command line.
func (v *environment) command() (path string, args []string) {
	if l, ok := languageOf(v.version.Runtime); ok {
		path, args = v.version.Interpreter.Path, []string{v.box.Path("/var/runtime/" + l.bootstrap)}
		if l.args != nil {
			args = l.args(v)
		}
		if wrapper := v.version.Environment["AWS_LAMBDA_EXEC_WRAPPER"]; wrapper != "" {
			args = append([]string{"-c", `exec "$0" "$@"`, v.box.Path(wrapper), path}, args...) // the shell exits with 127 if it is missing
			path = "/bin/sh"
		}
		return path, args
	}
	return v.box.Path("/var/task/bootstrap"), nil
}

// runtimeOnly are the variables that extensions do not get.
var runtimeOnly = []string{
	"_HANDLER", "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// variables is the runtime's environment: what a function may override, its own variables, and what it
// may not. Paths are those that the sandbox's processes see. There are no credentials, unless the
// function brings some.
func (v *environment) variables(api string) map[string]string {
	fn, task := v.version, v.box.Path("/var/task")
	all := map[string]string{
		"LANG":            "en_US.UTF-8",
		"TZ":              ":UTC",
		"PATH":            "/usr/local/bin:/usr/bin:/bin",
		"LD_LIBRARY_PATH": task + ":" + filepath.Join(task, "lib"),
		"NODE_PATH":       filepath.Join(task, "node_modules") + ":" + task,
	}
	reserved := map[string]string{
		"AWS_REGION":                      assay.EmbeddedRegion,
		"AWS_DEFAULT_REGION":              assay.EmbeddedRegion,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     fn.number,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  v.initType,
		"AWS_LAMBDA_RUNTIME_API":          api,
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + fn.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      v.stream,
		"LAMBDA_TASK_ROOT":                task,
		"LAMBDA_RUNTIME_DIR":              v.box.Path("/var/runtime"),
		"_HANDLER":                        fn.Handler,
	}
	v.layered(all)
	if found := fn.Interpreter; found.Path != "" {
		all["PATH"] = filepath.Dir(found.Path) + ":" + all["PATH"]
		reserved["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + found.Version
	}
	for key, value := range fn.Environment {
		if !strings.HasPrefix(key, "_") {
			all[key] = value
		}
	}
	maps.Copy(all, reserved)
	return all
}

// forRuntime is the environment of the runtime's process.
func (v *environment) forRuntime(api string) []string { return pairs(v.variables(api)) }

// forExtension is the environment of an extension's process.
func (v *environment) forExtension(api string) []string {
	all := v.variables(api)
	for _, name := range runtimeOnly {
		delete(all, name)
	}
	return pairs(all)
}

func pairs(all map[string]string) []string {
	list := make([]string, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, key+"="+all[key])
	}
	return list
}
