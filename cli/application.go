package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/config/template"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/watch"
)

// application is what one deployment is about, and where its relative paths begin.
type application struct {
	template.App
	dir  string
	file string // that describes it; "" if none does
}

// describeApplication finds out what there is to deploy: a template, a definition file of Assay, or code alone.
func describeApplication(p *process.Process, path string, o deployOptions) (application, error) {
	at := p.Absolute(path)
	info, err := os.Stat(at)
	if err != nil {
		return application{}, &assay.Error{Code: assay.CodeInvalid, What: "there is no such file or folder", Where: path, Hint: "name a folder, a zip, a serverless.yml, or a template of SAM or CloudFormation", Err: err}
	}
	if !info.IsDir() {
		return describeFile(p, at, path, o)
	}
	for _, name := range append(slices.Clone(template.Files), "assay.yaml", "assay.yml") {
		file := filepath.Join(at, name)
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || strings.HasPrefix(name, "serverless") || strings.HasPrefix(name, "assay") || template.Is(data) {
			return describeFile(p, file, filepath.Join(path, name), o)
		}
	}
	return codeAlone(at, o)
}

func describeFile(p *process.Process, at, name string, o deployOptions) (application, error) {
	switch filepath.Ext(at) {
	case ".yml", ".yaml", ".json", ".template":
	default:
		return codeAlone(at, o)
	}
	data, err := os.ReadFile(at)
	if err != nil {
		return application{}, &assay.Error{Code: assay.CodeInvalid, What: "the file cannot be read: " + err.Error(), Where: name, Hint: "make it readable", Err: err}
	}
	a := application{dir: filepath.Dir(at), file: at}
	if base := filepath.Base(at); !template.Is(data) && !strings.HasPrefix(base, "serverless.") && !strings.HasPrefix(base, "template.") {
		doc, err := config.Load([]string{at}, config.Options{LookupEnv: p.Env})
		for _, f := range doc.Functions {
			a.Functions = append(a.Functions, template.Function{ID: f.Name, Function: f, Where: doc.Where("functions", f.Name)})
		}
		if err == nil && len(a.Functions) == 0 {
			err = &assay.Error{Code: assay.CodeInvalid, What: "the file defines no function", Where: name, Hint: "`assay apply -f` brings experiments into force"}
		}
		return a, err
	}
	values, err := assignments(o.params, "--param")
	if err != nil {
		return application{}, err
	}
	a.App, err = template.Read(name, data, template.Options{
		LookupEnv: p.Env, Stage: o.stage, Region: o.region, Values: values, Account: accountOf(o.role),
		ReadFile: func(path string) ([]byte, error) { return os.ReadFile(process.Absolute(a.dir, path)) },
	})
	return a, err
}

// accountOf is the account of an ARN, "" if it has none.
func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}

// assignments reads flags of the form NAME=VALUE.
func assignments(list []string, flag string) (map[string]string, error) {
	var all map[string]string
	for _, s := range list {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, process.Invalid(fmt.Sprintf("%s %q has no value", flag, s), "write "+flag+" NAME=VALUE")
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = value
	}
	return all, nil
}

// codeAlone is one function made of a folder, a zip or a file, with what the flags say of it.
func codeAlone(at string, o deployOptions) (application, error) {
	variables, err := assignments(o.env, "--env")
	if err != nil {
		return application{}, err
	}
	f := template.Function{Where: at, Function: assay.Function{
		Name: cmp.Or(o.name, nameOf(at)), Runtime: o.runtime, Handler: o.handler, Code: at, Build: o.build,
		MemoryMB: cmp.Or(o.memory, assay.DefaultMemoryMB), Timeout: cmp.Or(o.timeout, assay.DefaultTimeout), Environment: variables,
	}}
	f.ID = f.Name
	guess := guessOf(at)
	f.Runtime, f.Handler = cmp.Or(f.Runtime, guess.runtime), cmp.Or(f.Handler, guess.handler)
	for _, flaw := range check.Function(&f.Function) {
		flag := "--" + strings.Join(flaw.Path, " ")
		return application{}, &assay.Error{Code: assay.CodeInvalid, What: flaw.What, Where: at, Hint: "give " + flag + ": " + flaw.Hint}
	}
	return application{dir: filepath.Dir(at), App: template.App{Functions: []template.Function{f}}}, nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

func nameOf(at string) string {
	base := filepath.Base(at)
	return strings.Trim(notInNames.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "-"), "-")
}

// guess is what code looks like: the runtime in whatever version is installed, and the handler.
type guess struct{ runtime, handler string }

// guesses are tried in order, by the files that are there.
var guesses = []struct {
	file string
	guess
}{
	{"bootstrap", guess{"provided.al2023", "bootstrap"}},
	{"go.mod", guess{"provided.al2023", "bootstrap"}},
	{"Cargo.toml", guess{"provided.al2023", "bootstrap"}},
	{"index.mjs", guess{"nodejs", "index.handler"}},
	{"index.js", guess{"nodejs", "index.handler"}},
	{"index.cjs", guess{"nodejs", "index.handler"}},
	{"handler.js", guess{"nodejs", "handler.handler"}},
	{"lambda_function.py", guess{"python3", "lambda_function.lambda_handler"}},
	{"app.py", guess{"python3", "app.handler"}},
	{"main.py", guess{"python3", "main.handler"}},
	{"handler.py", guess{"python3", "handler.handler"}},
}

func guessOf(at string) guess {
	ext := filepath.Ext(at)
	module := strings.TrimSuffix(filepath.Base(at), ext)
	switch ext {
	case ".js", ".mjs", ".cjs":
		return guess{"nodejs", module + ".handler"}
	case ".py":
		return guess{"python3", module + ".handler"}
	}
	for _, g := range guesses {
		if _, err := os.Stat(filepath.Join(at, g.file)); err == nil {
			return g.guess
		}
	}
	return guess{}
}

// pathOf is where a function's or layer's code lies. Code that stands in the template itself is written to
// a folder of its own, as AWS does.
func (a application) pathOf(code, inline, runtime, scratch, id string) (string, error) {
	if inline == "" {
		return process.Absolute(a.dir, filepath.FromSlash(code)), nil
	}
	name := "index.js"
	if strings.HasPrefix(runtime, "python") {
		name = "index.py"
	}
	file := filepath.Join(scratch, id, name)
	return file, errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(inline), 0o600))
}

// folders are where the application's own files lie: what a watch looks at.
func (a application) folders() []string {
	all := map[string]bool{}
	for _, f := range a.Functions {
		if f.Inline == "" {
			all[process.Absolute(a.dir, filepath.FromSlash(f.Code))] = true
		}
	}
	for _, l := range a.Layers {
		all[process.Absolute(a.dir, filepath.FromSlash(l.Code))] = true
	}
	var folders []string
	for _, root := range slices.Sorted(maps.Keys(all)) {
		folders = append(folders, watch.CodeFolders(watch.FolderOf(root), "")...)
	}
	return folders
}

// deployOptions are the flags of `assay deploy`.
type deployOptions struct {
	engine, output string
	plan, verbose  bool
	watch          bool

	name, runtime, handler, build string // of code alone
	memory                        int
	timeout                       time.Duration
	env                           []string

	stage, region, role string
	params              []string
	alias               string
	weight              string
}
