package template

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// service reads a serverless.yml.
func (r *reader) service(root *yaml.Node) {
	r.root, r.variables = root, true
	r.resources = get(root, "resources", "Resources")
	name := get(root, "service")
	if long := get(name, "name"); long != nil {
		name = long
	}
	r.app.Name = r.text(name)
	provider := r.eval(get(root, "provider"))
	name = get(provider, "name")
	if provider.Kind == yaml.ScalarNode { // `provider: aws`
		name, provider = provider, nothing(provider)
	}
	if cloud := r.text(name); cloud != "aws" && cloud != "" {
		r.fail(name, "Assay deploys functions of AWS Lambda", "the provider is %q", cloud)
		return
	}
	r.leftOut(root)
	r.slsLayers(root)
	functions := r.pairs(get(root, "functions"), "functions")
	for _, p := range functions {
		r.ids[p.key.Value] = r.functionName(p)
		r.ids[logicalID(p.key.Value)+"LambdaFunction"] = r.ids[p.key.Value]
	}
	for _, p := range functions {
		r.slsFunction(p.key, r.eval(p.value), provider)
	}
}

// logicalID is how the framework makes names of resources of those of functions and layers.
func logicalID(name string) string {
	if name == "" {
		return ""
	}
	name = strings.NewReplacer("-", "Dash", "_", "Underscore").Replace(name)
	return strings.ToUpper(name[:1]) + name[1:]
}

// functionName is what the framework calls a function on AWS: service-stage-name, unless it has its own.
func (r *reader) functionName(p pair) string {
	if n := get(r.eval(p.value), "name"); n != nil {
		return r.text(n)
	}
	return r.app.Name + "-" + r.stage() + "-" + p.key.Value
}

// stage is the stage that is deployed.
func (r *reader) stage() string {
	if r.o.Stage != "" {
		return r.o.Stage
	}
	if s := r.text(get(r.root, "provider", "stage")); s != "" {
		return s
	}
	return "dev"
}

// leftOut notes the plugins and the resources.
func (r *reader) leftOut(root *yaml.Node) {
	plugins := r.eval(get(root, "plugins"))
	if plugins != nil && plugins.Kind == yaml.MappingNode {
		plugins = get(plugins, "modules")
	}
	for _, p := range r.items(plugins) {
		r.note(p, "the plugin %s is not run", r.text(p))
	}
	if res := get(root, "resources"); res != nil && r.resources == nil {
		r.note(res, "resources are not deployed")
	}
	if follow(r.resources) != nil && follow(r.resources).Kind == yaml.MappingNode {
		content := follow(r.resources).Content
		for i := 0; i+1 < len(content); i += 2 {
			if kind := r.kind(content[i+1]); !own(kind) {
				r.note(content[i], "%s (%s) is not deployed", content[i].Value, kind)
			}
		}
	}
}

func (r *reader) slsLayers(root *yaml.Node) {
	for _, p := range r.pairs(get(root, "layers"), "layers") {
		n := r.eval(p.value)
		l := Layer{ID: logicalID(p.key.Value) + "LambdaLayer", Name: p.key.Value, Where: r.where(p.key)}
		if name := get(n, "name"); name != nil {
			l.Name = r.text(name)
		}
		l.Description, l.Runtimes = r.text(get(n, "description")), r.texts(get(n, "compatibleRuntimes"))
		if l.Code = r.text(get(n, "path")); l.Code == "" {
			if l.Code = r.text(get(n, "package", "artifact")); l.Code == "" {
				r.fail(p.key, "write path: FOLDER", "the layer %s has no path", p.key.Value)
			}
		}
		r.ids[l.ID] = l.ID
		r.app.Layers = append(r.app.Layers, l)
	}
}

// slsFunction reads a function with what the provider says for all.
func (r *reader) slsFunction(key, n, provider *yaml.Node) {
	f := Function{ID: key.Value, Where: r.where(key), Function: assay.Function{
		Name: r.ids[key.Value], Code: ".", MemoryMB: 1024, Timeout: 6 * time.Second, Source: r.file, // the framework's defaults
	}}
	if get(n, "image") != nil {
		r.note(key, "%s is a container image, which Assay does not run", key.Value)
		return
	}
	payload := format(r.text(get(provider, "httpApi", "payload")))
	r.properties(provided(r.pairs(provider, "provider")), "provider", r.slsProperties(&f, payload), slsProvider...)
	r.properties(r.pairs(get(r.root, "package"), "package"), "package", r.slsPackage(&f), "individually", "excludeDevDependencies", "artifactDirectoryName", "path")
	r.properties(r.pairs(n, key.Value), key.Value, r.slsProperties(&f, payload), "name", "role", "tracing", "versionFunction", "logs", "logRetentionInDays", "iamRoleStatements", "iamRoleStatementsName")
	r.app.Functions = append(r.app.Functions, f)
}

// slsProvider are the keys of the provider that say nothing about functions, or nothing that matters here.
var slsProvider = []string{"name", "stage", "region", "profile", "stackName", "deploymentBucket", "deploymentMethod", "deploymentPrefix", "versionFunctions",
	"iam", "iamRoleStatements", "role", "tracing", "logs", "logRetentionInDays", "httpApi", "apiGateway", "endpointType", "apiName", "lambdaHashingVersion",
	"stackTags", "rolePermissionsBoundary", "ecr", "alb", "tags", "cfnRole", "timeoutInMillis", "build", "websocketsApiName", "websocketsApiRouteSelectionExpression"}

// provided leaves out what has another meaning for the provider than for a function.
func provided(provider []pair) []pair {
	return slices.DeleteFunc(provider, func(p pair) bool {
		return slices.Contains([]string{"url", "events", "package", "handler", "description", "reservedConcurrency"}, p.key.Value)
	})
}

func (r *reader) slsProperties(f *Function, payload string) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"handler":             func(n *yaml.Node) { f.Handler = r.text(n) },
		"runtime":             func(n *yaml.Node) { f.Runtime = r.text(n) },
		"description":         func(n *yaml.Node) { f.Description = r.text(n) },
		"memorySize":          func(n *yaml.Node) { f.MemoryMB = r.integer(n) },
		"timeout":             func(n *yaml.Node) { f.Timeout = time.Duration(r.integer(n)) * time.Second },
		"architecture":        func(n *yaml.Node) { f.Architecture = r.text(n) },
		"reservedConcurrency": func(n *yaml.Node) { f.Concurrency = r.integer(n) },
		"layers":              func(n *yaml.Node) { f.Layers = r.texts(n) },
		"tags":                func(n *yaml.Node) { f.Tags = r.table(n, "tags") },
		"url":                 func(n *yaml.Node) { f.URL = r.slsURL(n) },
		"package": func(n *yaml.Node) {
			r.properties(r.pairs(n, "package"), f.ID, r.slsPackage(f), "individually", "excludeDevDependencies")
		},
		"environment": func(n *yaml.Node) {
			for name, value := range r.table(n, "environment") {
				if f.Environment == nil {
					f.Environment = map[string]string{}
				}
				f.Environment[name] = value
			}
		},
		"events": func(n *yaml.Node) {
			for _, e := range r.items(n) {
				r.slsEvent(f, e, payload)
			}
		},
	}
}

// slsPackage reads what goes into a zip. exclude and include are how patterns were written before, and
// come before them, in whatever order they are written.
func (r *reader) slsPackage(f *Function) map[string]func(*yaml.Node) {
	excluded := len(f.Patterns)
	return map[string]func(*yaml.Node){
		"artifact": func(n *yaml.Node) { f.Code = r.path(n) },
		"patterns": func(n *yaml.Node) { f.Patterns = append(f.Patterns, r.texts(n)...) },
		"include":  func(n *yaml.Node) { f.Patterns = slices.Insert(f.Patterns, excluded, r.texts(n)...) },
		"exclude": func(n *yaml.Node) {
			for _, p := range r.texts(n) {
				f.Patterns = slices.Insert(f.Patterns, excluded, "!"+p)
				excluded++
			}
		},
	}
}

// slsURL reads `url: true` and its long form.
func (r *reader) slsURL(n *yaml.Node) *URL {
	n = r.eval(n)
	if n.Kind == yaml.ScalarNode {
		if n.Value == "true" {
			return &URL{Public: true}
		}
		return nil
	}
	if c := get(n, "cors"); c != nil {
		r.note(c, "cors of a function URL is not used")
	}
	return &URL{Public: r.text(get(n, "authorizer")) != "aws_iam", Streams: r.text(get(n, "invokeMode")) == "RESPONSE_STREAM"}
}
