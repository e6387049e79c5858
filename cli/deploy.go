package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/config/template"
	"github.com/assaylab/assay/deploy"
	"github.com/assaylab/assay/pack"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/watch"
)

func deployCommand(p *process.Process, c *client) *cobra.Command {
	var o deployOptions
	cmd := &cobra.Command{
		Use: "deploy [DIR or FILE]", Short: "Deploy functions: a folder, a zip, a serverless.yml, a SAM or CloudFormation template", Args: cobra.MaximumNArgs(1),
		Long: "Build, package and deploy functions, their layers, aliases, URLs and HTTP routes. What has not changed is\n" +
			"neither built nor sent again. Without an argument it is about the working directory: its serverless.yml,\n" +
			"template.yaml or assay.yaml, or else its code as one function. What a template holds beside functions is\n" +
			"listed and left out.",
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "."
			if len(args) > 0 {
				path = args[0]
			}
			if o.watch {
				return deployAlways(cmd.Context(), p, c, path, o)
			}
			_, err := deployPath(cmd.Context(), p, c, path, o)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.engine, "engine", "embedded", "embedded: a running laboratory; aws: AWS Lambda, with the settings of AWS's tools")
	f.BoolVar(&o.plan, "plan", false, "build and package, and only tell what would be done")
	f.BoolVar(&o.watch, "watch", false, "deploy again whenever files change, until interrupted")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell each step, also when standard error is no terminal")
	f.StringVarP(&o.output, "output", "o", "table", "table, json or yaml")
	f.StringVar(&o.name, "name", "", "name of the function (code alone; default: that of the folder)")
	f.StringVar(&o.runtime, "runtime", "", "runtime of the function (code alone; default: by its files)")
	f.StringVar(&o.handler, "handler", "", "handler of the function (code alone; default: by its files)")
	f.StringVar(&o.build, "build", "", "build command, run in the folder (code alone)")
	f.IntVar(&o.memory, "memory", 0, "memory in MB (code alone; default 128)")
	f.DurationVar(&o.timeout, "timeout", 0, "time-out (code alone; default 3s)")
	f.StringArrayVar(&o.env, "env", nil, "environment variable NAME=VALUE (code alone); may be repeated")
	f.StringVar(&o.stage, "stage", "", "stage of a serverless.yml (default: its own, or dev)")
	f.StringArrayVar(&o.params, "param", nil, "value of a template's parameter, NAME=VALUE; may be repeated")
	f.StringVar(&o.region, "region", "", "region, for --engine aws and in templates")
	f.StringVar(&o.role, "role", "", "ARN of the role of functions that name none (--engine aws)")
	f.StringVar(&o.alias, "alias", "", "publish a version of each function, and let this alias name it")
	f.StringVar(&o.weight, "weight", "", "with --alias: the share of invocations for the new version, such as 10%; the alias stays at the old one")
	return cmd
}

// deployment is one run of `assay deploy`.
type deployment struct {
	process *process.Process
	client  *client
	options deployOptions
	app     application
	packer  *pack.Packer
	engine  *deploy.Client
	gateway string // address; "" if there is none
	scratch string
	outcome outcome
}

// outcome is what a deployment tells at its end.
type outcome struct {
	Functions []deploy.Result `json:"functions"`
	Layers    []deploy.Result `json:"layers,omitempty"`
	Routes    []served        `json:"routes,omitempty"`
	LeftOut   []leftOut       `json:"left_out,omitempty"`
}

type served struct {
	assay.Route
	URL string `json:"url"`
}

type leftOut struct {
	What  string `json:"what"`
	Where string `json:"where"`
}

// deployPath deploys once. It returns what it read, also when it fails after that.
func deployPath(ctx context.Context, p *process.Process, c *client, path string, o deployOptions) (application, error) {
	if o.output != "table" && o.output != "json" && o.output != "yaml" {
		return application{}, process.Invalid(fmt.Sprintf("--output %q is unknown", o.output), "use table, json or yaml")
	}
	app, err := describeApplication(p, path, o)
	if err != nil {
		return application{}, err
	}
	d := &deployment{process: p, client: c, options: o, app: app}
	for _, n := range app.Notes {
		d.leaveOut(n)
	}
	if d.scratch, err = os.MkdirTemp("", "assay-deploy-"); err != nil {
		return app, err
	}
	defer os.RemoveAll(d.scratch)
	if err := d.open(ctx); err != nil {
		return app, err
	}
	if err := d.run(ctx); err != nil {
		return app, err
	}
	return app, d.print(p.Stdout)
}

// deployAlways deploys, and again whenever files change, until ctx ends. What is wrong then is said, and
// what was deployed stays.
func deployAlways(ctx context.Context, p *process.Process, c *client, path string, o deployOptions) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	app, err := describeApplication(p, path, o)
	if err != nil {
		return err
	}
	observe := func() {
		for _, folder := range append(app.folders(), watch.FolderOf(p.Absolute(path))) {
			w.Add(folder) // one that cannot be watched is left out
		}
	}
	observe() // before what it is about is read, so that no change goes unseen
	if _, err := deployPath(ctx, p, c, path, o); err != nil {
		return err
	}
	watch.Changes{
		Watcher: w, Matter: func(e fsnotify.Event) bool { return watch.Matters(e, nil) },
		Unseen: func(err error) { process.Complain(p.Stderr, err) },
		Act: func() {
			next, err := deployPath(ctx, p, c, path, o)
			if err != nil {
				process.Complain(p.Stderr, err)
				return
			}
			app = next
			observe()
		},
	}.Follow(ctx)
	return ctx.Err()
}

// leaveOut tells of something that is not deployed.
func (d *deployment) leaveOut(n template.Note) {
	d.outcome.LeftOut = append(d.outcome.LeftOut, leftOut(n))
	fmt.Fprintf(d.process.Stderr, "assay: %s\n  at %s\n", n.What, n.Where)
}

// say tells of progress, to people who watch or ask for it.
func (d *deployment) say(what string) {
	if d.options.verbose || process.Terminal(d.process.Stderr) {
		fmt.Fprintln(d.process.Stderr, "assay: "+what)
	}
}

// open finds the engine, and the place for packages.
func (d *deployment) open(ctx context.Context) (err error) {
	o := deploy.Options{Region: d.options.region, Role: d.options.role, Plan: d.options.plan, Progress: d.say}
	switch d.options.engine {
	case "embedded":
		if err := d.embedded(ctx, &o); err != nil {
			return err
		}
	case "aws":
	default:
		return process.Invalid(fmt.Sprintf("--engine %q is unknown", d.options.engine), "use embedded or aws")
	}
	if d.engine, err = deploy.New(ctx, o); err != nil {
		return err
	}
	cache, err := cacheDir(d.process)
	if err != nil {
		return err
	}
	d.packer, err = pack.Open(pack.Options{Dir: filepath.Join(cache, "pack"), Progress: d.say})
	return err
}

// embedded finds the addresses of a running laboratory. Its API is that of AWS.
func (d *deployment) embedded(ctx context.Context, o *deploy.Options) error {
	var lab struct{ Addresses map[string]string }
	if err := d.client.call(ctx, http.MethodGet, "/version", nil, &lab); err != nil {
		return err
	}
	console, err := url.Parse(d.client.base())
	if err != nil {
		return err
	}
	o.Endpoint, d.gateway = reachable(lab.Addresses["aws"], console), reachable(lab.Addresses["gateway"], console)
	o.Region, o.Role = assay.EmbeddedRegion, cmp.Or(o.Role, "arn:aws:iam::"+assay.EmbeddedAccount+":role/assay")
	setting := func(name, fallback string) string { return d.process.Setting("", name, fallback) }
	o.Credentials = aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(setting("AWS_ACCESS_KEY_ID", "assay"),
		setting("AWS_SECRET_ACCESS_KEY", "assay"), d.process.Setting(d.client.token, "ASSAY_TOKEN", setting("AWS_SESSION_TOKEN", ""))))
	return nil
}

// reachable makes an address of a laboratory one to call: a laboratory that listens everywhere is called
// where its console answers.
func reachable(address string, console *url.URL) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = console.Hostname()
	}
	return "http://" + net.JoinHostPort(host, port)
}

// cacheDir is where packages are kept between deployments.
func cacheDir(p *process.Process) (string, error) {
	if dir, ok := p.Env("ASSAY_CACHE"); ok && dir != "" {
		return p.Absolute(dir), nil
	}
	if dir, ok := p.Env("XDG_CACHE_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "assay"), nil
	}
	home, ok := p.Env("HOME")
	if !ok || home == "" {
		return "", process.Invalid("there is no place for packages: HOME is not set", "set ASSAY_CACHE to a folder")
	}
	return filepath.Join(home, ".cache", "assay"), nil
}

// run packs everything before it changes anything, then deploys layers, functions and routes.
func (d *deployment) run(ctx context.Context) error {
	layers, err := d.packLayers(ctx)
	if err != nil {
		return err
	}
	functions, err := d.packFunctions(ctx)
	if err != nil {
		return err
	}
	arns := map[string]string{}
	for i, l := range layers {
		r, err := d.engine.Layer(ctx, l)
		if err != nil {
			return err
		}
		arns[d.app.Layers[i].ID] = r.ARN
		d.outcome.Layers = append(d.outcome.Layers, r)
	}
	for i, f := range functions {
		for j, id := range f.Layers {
			f.Layers[j] = cmp.Or(arns[id], id)
		}
		r, err := d.engine.Function(ctx, f)
		if err != nil {
			return config.Placed(err, d.app.Functions[i].Where)
		}
		d.outcome.Functions = append(d.outcome.Functions, r)
	}
	return d.route(ctx)
}

func (d *deployment) packLayers(ctx context.Context) ([]deploy.Layer, error) {
	var all []deploy.Layer
	for _, l := range d.app.Layers {
		s := pack.Source{Name: "layer " + l.Name, Path: process.Absolute(d.app.dir, filepath.FromSlash(l.Code)), Runtime: l.Build}
		switch {
		case strings.HasPrefix(l.Build, "python"):
			s.Prefix = "python"
		case strings.HasPrefix(l.Build, "nodejs"):
			s.Prefix = "nodejs"
		}
		pkg, err := d.packer.Pack(ctx, s)
		if err != nil {
			return nil, err
		}
		all = append(all, deploy.Layer{Name: l.Name, Zip: pkg.Zip, CodeSHA256: pkg.CodeSHA256, Description: l.Description, Runtimes: l.Runtimes})
	}
	return all, nil
}

func (d *deployment) packFunctions(ctx context.Context) ([]deploy.Function, error) {
	share, err := shareOf(d.options)
	if err != nil {
		return nil, err
	}
	var all []deploy.Function
	for _, f := range d.app.Functions {
		path, err := d.app.pathOf(f.Code, f.Inline, f.Runtime, d.scratch, f.ID)
		if err != nil {
			return nil, err
		}
		s := pack.Source{Name: f.Name, Path: path, Runtime: f.Runtime, Handler: f.Handler, Build: f.Build, Patterns: f.Patterns}
		if d.options.engine == "aws" {
			s.Architecture = cmp.Or(f.Architecture, "x86_64")
		} else {
			f.Architecture = "" // this machine's is all there is
		}
		pkg, err := d.packer.Pack(ctx, s)
		if err != nil {
			return nil, err
		}
		made := deploy.Function{
			Function: f.Function, Zip: pkg.Zip, CodeSHA256: pkg.CodeSHA256, Description: f.Description, Architecture: f.Architecture,
			Role: f.Role, Layers: slices.Clone(f.Layers), Tags: f.Tags, URL: (*deploy.URL)(f.URL),
		}
		for _, a := range f.Aliases {
			made.Aliases = append(made.Aliases, deploy.Alias{Name: a.Name, Version: a.Version, Weights: a.Weights})
		}
		if d.options.alias != "" {
			made.Aliases = append(made.Aliases, deploy.Alias{Name: d.options.alias, Share: share})
		}
		all = append(all, made)
	}
	return all, nil
}

// shareOf reads --weight.
func shareOf(o deployOptions) (float64, error) {
	if o.weight == "" {
		return 0, nil
	}
	var percent float64
	if _, err := fmt.Sscanf(o.weight, "%g%%", &percent); err != nil || percent <= 0 || percent >= 100 || o.alias == "" {
		return 0, process.Invalid(fmt.Sprintf("--weight %q cannot be used", o.weight), "write --alias NAME --weight 10%, with more than 0% and less than 100%")
	}
	return percent / 100, nil
}

// route lets the gateway serve the HTTP events. Those of an aliased function go to the alias.
func (d *deployment) route(ctx context.Context) error {
	var body struct {
		Functions []string      `json:"functions"`
		Routes    []assay.Route `json:"routes"`
	}
	for i, f := range d.app.Functions {
		body.Functions = append(body.Functions, f.Name)
		target := f.Name
		if aliases := d.outcome.Functions[i].Aliases; len(aliases) > 0 {
			target += ":" + aliases[0]
		}
		for _, r := range f.Routes {
			body.Routes = append(body.Routes, assay.Route{Function: target, Method: r.Method, Path: r.Path, Event: r.Event})
			if d.gateway == "" {
				d.leaveOut(template.Note{What: "the route " + strings.TrimSpace(r.Method+" "+r.Path) + " of " + f.Name + " is not made: AWS wants an API Gateway for it", Where: r.Where})
			}
		}
	}
	if d.gateway == "" || d.options.plan {
		return nil
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if err := d.client.call(ctx, http.MethodPut, "/routes", text, nil); err != nil {
		return err
	}
	for _, r := range body.Routes {
		d.outcome.Routes = append(d.outcome.Routes, served{r, d.gateway + r.Path})
	}
	return nil
}

func (d *deployment) print(w io.Writer) error {
	text, err := json.Marshal(d.outcome)
	if err != nil {
		return err
	}
	return print(w, d.options.output, text, func(w io.Writer) error {
		var lines, routes [][]string
		for _, l := range d.outcome.Layers {
			lines = append(lines, []string{l.Name, string(l.Action), dash(l.Version), dash(l.ARN), "-"})
		}
		for _, f := range d.outcome.Functions {
			lines = append(lines, []string{f.Name, string(f.Action), dash(f.Version), dash(f.ARN), dash(f.URL)})
		}
		if err := process.Rows(w, "NAME ACTION VERSION ARN URL", lines); err != nil || len(d.outcome.Routes) == 0 {
			return err
		}
		for _, r := range d.outcome.Routes {
			routes = append(routes, []string{cmp.Or(r.Method, "ANY"), r.URL, r.Function})
		}
		fmt.Fprintln(w)
		return process.Rows(w, "METHOD ROUTE FUNCTION", routes)
	})
}
