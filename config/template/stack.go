package template

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// The kinds of resources that become something here.
const (
	samFunction = "AWS::Serverless::Function"
	samLayer    = "AWS::Serverless::LayerVersion"
	cfnFunction = "AWS::Lambda::Function"
	cfnLayer    = "AWS::Lambda::LayerVersion"
	cfnVersion  = "AWS::Lambda::Version"
	cfnAlias    = "AWS::Lambda::Alias"
	cfnURL      = "AWS::Lambda::Url"
)

// own tells whether Assay has what a resource of this kind stands for: the gateway is its API.
func own(kind string) bool {
	return slices.Contains([]string{samFunction, samLayer, cfnFunction, cfnLayer, cfnVersion, cfnAlias, cfnURL,
		"AWS::Serverless::Api", "AWS::Serverless::HttpApi", "AWS::Lambda::Permission"}, kind)
}

// stack reads a template of SAM or CloudFormation.
func (r *reader) stack(root *yaml.Node) {
	r.root, r.resources = root, get(root, "Resources")
	r.known()
	for _, p := range r.enabled() {
		r.resource(p.key, p.value)
	}
	for _, p := range r.enabled() {
		r.version(p.key, p.value)
	}
}

// known notes what the functions are called, for those who refer to them.
func (r *reader) known() {
	for _, p := range r.enabled() {
		if kind := r.kind(p.value); kind == samFunction || kind == cfnFunction {
			r.ids[p.key.Value] = p.key.Value
			if n := get(p.value, "Properties", "FunctionName"); n != nil {
				r.ids[p.key.Value] = r.text(n)
			}
		}
	}
}

// enabled lists the resources whose conditions hold.
func (r *reader) enabled() []pair {
	var all []pair
	for _, p := range r.pairs(r.resources, "Resources") {
		if c := get(p.value, "Condition"); c == nil || r.condition(c) {
			all = append(all, p)
		}
	}
	return all
}

func (r *reader) kind(n *yaml.Node) string {
	if t := follow(get(n, "Type")); t != nil {
		return t.Value
	}
	return ""
}

func (r *reader) resource(key, n *yaml.Node) {
	switch kind := r.kind(n); {
	case kind == samFunction || kind == cfnFunction:
		r.function(key, n)
	case kind == samLayer || kind == cfnLayer:
		r.layer(key, n)
	case kind == "":
		r.fail(key, "write its Type, for example "+samFunction, "the resource %s has no type", key.Value)
	case kind == "AWS::Serverless::Api" || kind == "AWS::Serverless::HttpApi":
		for _, p := range r.pairs(get(n, "Properties"), key.Value) {
			if strings.HasPrefix(p.key.Value, "Definition") || p.key.Value == "Auth" {
				r.note(p.key, "%s of %s is not read: routes are the functions' Events", p.key.Value, key.Value)
			}
		}
	case !own(kind):
		r.note(key, "%s (%s) is not deployed", key.Value, kind)
	}
}

// properties visits the properties of a resource by readers of their names. Those that stand for nothing
// here are noted, unless they are harmless.
func (r *reader) properties(props []pair, of string, known map[string]func(*yaml.Node), harmless ...string) {
	for _, p := range props {
		if read := known[p.key.Value]; read != nil {
			if v := r.eval(p.value); !null(v) {
				read(p.value)
			}
		} else if !slices.Contains(harmless, p.key.Value) {
			r.note(p.key, "%s of %s is not used", p.key.Value, of)
		}
	}
}

// function reads a function of either kind, with what Globals says for all.
func (r *reader) function(key, n *yaml.Node) {
	f := Function{ID: key.Value, Where: r.where(key), Function: assay.Function{
		Name: r.ids[key.Value], MemoryMB: assay.DefaultMemoryMB, Timeout: assay.DefaultTimeout, Source: r.file,
	}}
	props := r.pairs(get(n, "Properties"), key.Value)
	if r.kind(n) == samFunction {
		props = r.withGlobals(props)
		f.Code = "."
	}
	if image := slices.IndexFunc(props, func(p pair) bool {
		return p.key.Value == "ImageUri" || p.key.Value == "PackageType" && r.text(p.value) == "Image"
	}); image >= 0 {
		r.note(key, "%s is a container image, which Assay does not run", key.Value)
		return
	}
	r.properties(props, key.Value, r.functionProperties(&f), "Policies", "Role", "AssumeRolePolicyDocument", "PermissionsBoundary", "RolePath",
		"Tracing", "PackageType", "LoggingConfig", "RuntimeManagementConfig", "SnapStart", "PropagateTags", "VersionDescription", "AutoPublishAliasAllProperties", "RecursiveLoop")
	if method := get(n, "Metadata", "BuildMethod"); method != nil && !runtimeLike(r.text(method)) {
		r.note(method, "BuildMethod %s of %s is not run: build its code first, and let CodeUri name the outcome", r.text(method), key.Value)
	}
	r.app.Functions = append(r.app.Functions, f)
}

func (r *reader) functionProperties(f *Function) map[string]func(*yaml.Node) {
	return map[string]func(*yaml.Node){
		"FunctionName":                 func(*yaml.Node) {}, // known already
		"Handler":                      func(n *yaml.Node) { f.Handler = r.text(n) },
		"Runtime":                      func(n *yaml.Node) { f.Runtime = r.text(n) },
		"CodeUri":                      func(n *yaml.Node) { r.code(n, f) },
		"Code":                         func(n *yaml.Node) { r.code(n, f) },
		"InlineCode":                   func(n *yaml.Node) { f.Inline, f.Code = r.text(n), "" },
		"Description":                  func(n *yaml.Node) { f.Description = r.text(n) },
		"MemorySize":                   func(n *yaml.Node) { f.MemoryMB = r.integer(n) },
		"Timeout":                      func(n *yaml.Node) { f.Timeout = time.Duration(r.integer(n)) * time.Second },
		"Environment":                  func(n *yaml.Node) { f.Environment = r.table(get(r.eval(n), "Variables"), "Variables") },
		"Architectures":                func(n *yaml.Node) { f.Architecture = strings.Join(r.texts(n), ",") },
		"ReservedConcurrentExecutions": func(n *yaml.Node) { f.Concurrency = r.integer(n) },
		"Layers":                       func(n *yaml.Node) { f.Layers = r.texts(n) },
		"Tags":                         func(n *yaml.Node) { f.Tags = r.tags(n) },
		"Role":                         func(n *yaml.Node) { f.Role = roleARN(r.text(n)) },
		"AutoPublishAlias":             func(n *yaml.Node) { f.Aliases = append(f.Aliases, Alias{Name: r.text(n)}) },
		"FunctionUrlConfig":            func(n *yaml.Node) { f.URL = r.url(n) },
		"Events": func(n *yaml.Node) {
			for _, p := range r.pairs(n, "Events") {
				r.samEvent(f, p.key, p.value)
			}
		},
	}
}

func roleARN(role string) string {
	if strings.HasPrefix(role, "arn:") {
		return role
	}
	return ""
}

func runtimeLike(method string) bool {
	return strings.HasPrefix(method, "python") || strings.HasPrefix(method, "nodejs") || strings.HasPrefix(method, "java") || method == "go1.x" || strings.HasPrefix(method, "rust")
}

// withGlobals puts what Globals says under what a function says: mappings are merged, lists joined.
func (r *reader) withGlobals(props []pair) []pair {
	all := slices.Clone(props)
	for _, g := range r.pairs(get(r.root, "Globals", "Function"), "Globals") {
		i := slices.IndexFunc(all, func(p pair) bool { return p.key.Value == g.key.Value })
		if i < 0 {
			all = append(all, g)
			continue
		}
		all[i].value = r.merged(r.eval(g.value), r.eval(all[i].value))
	}
	return all
}

func (r *reader) merged(global, own *yaml.Node) *yaml.Node {
	if null(global) || null(own) || global.Kind != own.Kind || own.Kind == yaml.ScalarNode || !r.step(own) {
		return own
	}
	both := *own
	if own.Kind == yaml.SequenceNode {
		both.Content = slices.Concat(global.Content, own.Content)
		return &both
	}
	both.Content = slices.Clone(own.Content)
	for _, g := range r.pairs(global, "Globals") {
		value := get(own, g.key.Value)
		if value == nil {
			both.Content = append(both.Content, g.key, g.value)
			continue
		}
		for i := 0; i+1 < len(both.Content); i += 2 {
			if both.Content[i].Value == g.key.Value {
				both.Content[i+1] = r.merged(follow(g.value), follow(value))
			}
		}
	}
	return &both
}

// code reads where a function's code is: a path, or text in the template itself.
func (r *reader) code(n *yaml.Node, f *Function) {
	n = r.eval(n)
	if n.Kind == yaml.ScalarNode {
		f.Code = r.path(n)
		return
	}
	if inline := get(n, "ZipFile"); inline != nil {
		f.Inline, f.Code = r.text(inline), ""
		return
	}
	r.fail(n, "name the folder or zip of the code, relative to the template", "the code of %s lies elsewhere, and Assay does not fetch it", f.ID)
}

// path reads the path of a file or folder beside the template.
func (r *reader) path(n *yaml.Node) string {
	p := r.text(n)
	if strings.Contains(p, "://") {
		r.fail(n, "name the folder or zip, relative to the template", "%q lies elsewhere, and Assay does not fetch it", p)
	}
	return strings.TrimPrefix(p, "file://")
}

// tags reads tags in both forms: a mapping, and a list of Key and Value.
func (r *reader) tags(n *yaml.Node) map[string]string {
	n = r.eval(n)
	if n.Kind != yaml.SequenceNode {
		return r.table(n, "Tags")
	}
	all := map[string]string{}
	for _, t := range r.items(n) {
		all[r.text(get(t, "Key"))] = r.text(get(t, "Value"))
	}
	return all
}

func (r *reader) url(n *yaml.Node) *URL {
	n = r.eval(n)
	u := &URL{Public: r.text(get(n, "AuthType")) == "NONE", Streams: r.text(get(n, "InvokeMode")) == "RESPONSE_STREAM"}
	if get(n, "Cors") != nil {
		r.note(get(n, "Cors"), "Cors of a function URL is not used")
	}
	return u
}

func (r *reader) layer(key, n *yaml.Node) {
	l := Layer{ID: key.Value, Name: key.Value, Code: ".", Where: r.where(key)}
	r.properties(r.pairs(get(n, "Properties"), key.Value), key.Value, map[string]func(*yaml.Node){
		"LayerName":          func(n *yaml.Node) { l.Name = r.text(n) },
		"ContentUri":         func(n *yaml.Node) { l.Code = r.path(n) },
		"Content":            func(n *yaml.Node) { l.Code = r.path(n) },
		"Description":        func(n *yaml.Node) { l.Description = r.text(n) },
		"CompatibleRuntimes": func(n *yaml.Node) { l.Runtimes = r.texts(n) },
	}, "RetentionPolicy", "CompatibleArchitectures", "LicenseInfo")
	switch method := r.text(get(n, "Metadata", "BuildMethod")); {
	case runtimeLike(method):
		l.Build = method
	case method != "":
		r.note(get(n, "Metadata", "BuildMethod"), "BuildMethod %s of %s is not run: build it first, and let ContentUri name the outcome", method, key.Value)
	}
	r.app.Layers = append(r.app.Layers, l)
}

// version reads what belongs to functions and stands beside them: aliases and URLs.
func (r *reader) version(key, n *yaml.Node) {
	kind := r.kind(n)
	if kind != cfnAlias && kind != cfnURL {
		return
	}
	of := get(n, "Properties", "FunctionName")
	if kind == cfnURL {
		of = get(n, "Properties", "TargetFunctionArn")
	}
	name := r.text(of)
	if _, rest, isARN := strings.Cut(name, ":function:"); isARN {
		name = rest
	}
	i := slices.IndexFunc(r.app.Functions, func(f Function) bool { return f.Name == name || f.ID == name })
	if i < 0 {
		r.note(key, "%s (%s) is not deployed: its function %q is not in the template", key.Value, kind, name)
		return
	}
	f := &r.app.Functions[i]
	if kind == cfnURL {
		f.URL = r.url(get(n, "Properties"))
		return
	}
	f.Aliases = append(f.Aliases, r.alias(get(n, "Properties")))
}

// alias reads an alias. A version that the template makes is the one that is deployed now.
func (r *reader) alias(n *yaml.Node) Alias {
	a := Alias{Name: r.text(get(n, "Name"))}
	number := func(n *yaml.Node) string {
		v := r.text(n)
		if v == "$LATEST" || v != "" && strings.Trim(v, "0123456789") == "" {
			return v
		}
		return ""
	}
	a.Version = number(get(n, "FunctionVersion"))
	for _, w := range r.items(get(n, "RoutingConfig", "AdditionalVersionWeights")) {
		if a.Weights == nil {
			a.Weights = map[string]float64{}
		}
		a.Weights[number(get(w, "FunctionVersion"))] = r.number(get(w, "FunctionWeight"))
	}
	return a
}
