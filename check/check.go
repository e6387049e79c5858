// Package check looks at the shape of definitions. In come experiments, functions, routes and channels; out goes what is
// wrong with them, field by field. What names refer to is for others to check. It is pure.
package check

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaylab/assay"
)

var (
	// namePattern keeps names usable as they are in addresses, metric labels and on the command line.
	namePattern     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	functionPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	targetPattern   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?$`)
	arnPattern      = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?$`)
	tokenPattern    = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110, section 5.6.2
	variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// Experiment lists what is wrong with the shape of the definition, field by field; nil when nothing is.
// What names refer to, and the syntax of JSONPaths, is for others to check.
func Experiment(e *assay.Experiment) []assay.Flaw {
	var f flaws
	f.name(e.Name, "an experiment")
	f.traffic(e)
	if len(e.Methods) > 0 && len(e.Candidates) > 0 && !e.Unsafe && !slices.ContainsFunc(e.Methods, assay.SafeMethod) {
		f.add("add `unsafe: true` if candidates may be called with them", "there can be no trials: none of these methods is safe", "methods")
	}
	f.sample(e.Sample)
	f.share(e.Secondary, "secondary")
	f.budget(e.Budget)
	f.protect(e)
	f.arms(e)
	f.comparators(e.Comparators)
	f.rules(e.Rules)
	f.redact(e.Redact)
	f.hypothesis(e.Hypothesis)
	if e.Control.Target.URL != "" {
		f.unpriced(e.Hypothesis)
	}
	f.rollout(e)
	if e.Until.Trials < 0 {
		f.add("leave it out to go on for ever", "less than no trials", "until", "trials")
	}
	if e.Until.For < 0 {
		f.add("leave it out to go on for ever", "less than no time", "until", "for")
	}
	f.keep(e.Keep)
	return f
}

// The least that limits of what is kept can be: the store knows the minute of what a trial takes.
const (
	minKeepSize = 1 << 20
	minKeepFor  = time.Minute
)

func (f *flaws) keep(k assay.Keep) {
	if k.Size != 0 && k.Size < minKeepSize {
		f.add("write 1MB or more, or leave it out", "too little to keep", "keep", "size")
	}
	if k.For != 0 && k.For < minKeepFor {
		f.add("write 1m or more, or leave it out", "too short to keep anything", "keep", "for")
	}
}

// Function lists what is wrong with the shape of the function, field by field; nil when nothing is.
func Function(fn *assay.Function) []assay.Flaw {
	var f flaws
	if !functionPattern.MatchString(fn.Name) {
		f.add("use 1 to 64 letters, digits, - and _, as on AWS", fmt.Sprintf("%q cannot be the name of a function", fn.Name))
	}
	if fn.Runtime == "" {
		f.add(`name one, for example "python3.12", "nodejs20.x" or "provided.al2023"`, "the function has no runtime", "runtime")
	}
	if fn.Handler == "" && !strings.HasPrefix(fn.Runtime, "provided") {
		f.add(`name the file and the function in it, for example "index.handler"`, "the function has no handler", "handler")
	}
	if fn.Code == "" {
		f.add("name the folder that holds it", "the function has no code", "code")
	}
	if fn.MemoryMB < assay.DefaultMemoryMB || fn.MemoryMB > assay.MaxMemoryMB {
		f.add(fmt.Sprintf("choose %d to %d MB", assay.DefaultMemoryMB, assay.MaxMemoryMB), fmt.Sprintf("%d MB of memory is out of range", fn.MemoryMB), "memory")
	}
	if fn.Timeout <= 0 || fn.Timeout > assay.MaxTimeout {
		f.add("choose more than 0 and at most 15m", fmt.Sprintf("a time-out of %v is out of range", fn.Timeout), "timeout")
	}
	if fn.Concurrency < 0 {
		f.add("leave it out for the engine's default", "less than no environments", "concurrency")
	}
	if fn.Standby < 0 {
		f.add("leave it out for none", "less than no environments", "standby")
	}
	if fn.TmpMB != 0 && (fn.TmpMB < 512 || fn.TmpMB > assay.MaxMemoryMB) {
		f.add(fmt.Sprintf("choose 512 to %d MB", assay.MaxMemoryMB), fmt.Sprintf("%d MB of /tmp is out of range", fn.TmpMB), "tmp")
	}
	if len(fn.Layers) > maxLayers {
		f.add("put what they have into fewer", fmt.Sprintf("a function has at most %d layers", maxLayers), "layers")
	}
	f.environment(fn.Environment)
	return f
}

// Route lists what is wrong with the shape of the route; nil when nothing is.
func Route(r assay.Route) []assay.Flaw {
	var f flaws
	if !targetPattern.MatchString(r.Function) {
		f.add("write NAME or NAME:QUALIFIER", fmt.Sprintf("%q is not the name of a function", r.Function), "function")
	}
	if what := badPath(r.Pattern()); what != "" {
		f.add(`write it as "/a/{id}/b" or "/a/{rest+}"`, fmt.Sprintf("the path %q %s", r.Path, what), "path")
	}
	if r.Method != "" && (!tokenPattern.MatchString(r.Method) || r.Method != strings.ToUpper(r.Method)) {
		f.add("write methods in capitals, for example GET", fmt.Sprintf("%q is not an HTTP method", r.Method), "method")
	}
	switch r.Event {
	case "", "v1", "v2", "alb":
	default:
		f.add(`write "v2", "v1" or "alb"`, fmt.Sprintf("%q is not a format of events", r.Event), "event")
	}
	return f
}

// maxLayers is AWS's.
const maxLayers = 5

// flaws are collected by one method for each part of a definition.
type flaws []assay.Flaw

func (f *flaws) add(hint, what string, path ...string) {
	*f = append(*f, assay.Flaw{Path: path, What: what, Hint: hint})
}

func (f *flaws) name(name, of string, path ...string) {
	if !namePattern.MatchString(name) {
		f.add("use up to 63 letters, digits, dots, - and _, a letter or digit first", fmt.Sprintf("%q cannot be the name of %s", name, of), path...)
	}
}

// traffic wants a route for live traffic; recordings need none.
func (f *flaws) traffic(e *assay.Experiment) {
	switch {
	case e.Traffic != assay.TrafficLive && e.Traffic != assay.TrafficRecorded:
		f.add(`write "recorded", or leave it out for live traffic`, fmt.Sprintf("%q is no kind of traffic", e.Traffic), "traffic")
	case e.Traffic == assay.TrafficLive || e.Path != "" || len(e.Methods) > 0:
		f.route(e.Path, e.Methods)
	}
}

func (f *flaws) route(path string, methods []string) {
	if path == "" {
		f.add(`say which requests it is about, for example "path: /round"`, "the experiment has no path", "path")
	} else if what := badPath(path); what != "" {
		f.add(`write it as "/a/{id}/b" or "/a/*"`, fmt.Sprintf("the path %q %s", path, what), "path")
	}
	for i, m := range methods {
		if !tokenPattern.MatchString(m) || m != strings.ToUpper(m) {
			f.add("write methods in capitals, for example GET", fmt.Sprintf("%q is not an HTTP method", m), "methods", strconv.Itoa(i))
		}
	}
}

// badPath says what is wrong with the pattern of a route, "" if nothing is.
func badPath(path string) string {
	if !strings.HasPrefix(path, "/") {
		return `does not begin with "/"`
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("?#", r) }) {
		return "holds a space, a ? or a #"
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		switch {
		case s == "*" && i < len(segments)-1:
			return "has a * that is not its last segment"
		case s != "*" && strings.Contains(s, "*"):
			return "has a * that is not a segment of its own"
		case strings.ContainsAny(s, "{}") && !wildcard(s):
			return "has braces that are not around a whole segment"
		}
	}
	return ""
}

func wildcard(segment string) bool {
	inner, ok := strings.CutPrefix(segment, "{")
	inner, ended := strings.CutSuffix(inner, "}")
	return ok && ended && inner != "" && !strings.ContainsAny(inner, "{}")
}

func (f *flaws) sample(s assay.Sample) {
	f.share(s.Rate, "sample", "rate")
	if s.Rate > 0 && s.Rate < assay.MinRate {
		f.add("use 0.001% or more, or 0 to sample nothing", "the rate is finer than 0.001 %", "sample", "rate")
	}
	f.by(s.By, "sample", "by")
	if s.Rare < 0 {
		f.add("leave it out for none", "less than no trials", "sample", "rare")
	}
}

func (f *flaws) by(by string, path ...string) {
	kind, name, _ := strings.Cut(by, ":")
	if by != "" && (name == "" || !slices.Contains([]string{"header", "cookie", "query"}, kind)) {
		f.add(`write "header:NAME", "cookie:NAME" or "query:NAME"`, fmt.Sprintf("%q says nothing to go by", by), path...)
	}
}

// share wants 0 to 1; NaN is refused as well.
func (f *flaws) share(v float64, path ...string) {
	if !(v >= 0 && v <= 1) {
		f.add("choose 0% to 100%", fmt.Sprintf("%g %% is no share", v*100), path...)
	}
}

func (f *flaws) budget(b assay.Budget) {
	for _, limit := range []struct {
		key   string
		value int64
	}{
		{"concurrency", int64(b.Concurrency)}, {"queue", int64(b.Queue)}, {"memory", b.Memory},
		{"timeout", int64(b.Timeout)}, {"body", b.Body},
	} {
		if limit.value <= 0 {
			f.add("leave it out for the default", "the budget allows nothing", "budget", limit.key)
		}
	}
}

func (f *flaws) protect(e *assay.Experiment) {
	f.share(e.Holdout, "holdout")
	if e.Holdout == 1 {
		f.add("hold out 1% or so", "a hold-out of all requests leaves no trials", "holdout")
	}
	if p := e.Protect; p.Overhead < 0 {
		f.add("leave it out for no limit", "less than no overhead", "protect", "overhead")
	} else if p.Overhead > 0 && e.Holdout == 0 {
		f.add("add holdout: 1%", "the overhead is not known unless some requests are held out", "protect", "overhead")
	}
	if e.Protect.Errors != nil {
		f.share(*e.Protect.Errors, "protect", "errors")
	}
	if e.Protect.Breaker < -1 {
		f.add("name a number of faults in a row, or false for no breaker", "less than no faults", "protect", "breaker")
	}
}

func (f *flaws) arms(e *assay.Experiment) {
	f.target(e.Control.Target, "control")
	seen := map[string]bool{}
	for _, c := range e.Candidates {
		at := []string{"candidates", c.Name}
		f.name(c.Name, "a candidate", at...)
		if c.Name == string(assay.RoleControl) || c.Name == string(assay.RoleSecondary) {
			f.add("choose another name", fmt.Sprintf("a candidate cannot be called %q", c.Name), at...)
		}
		if seen[c.Name] {
			f.add("give each its own name", fmt.Sprintf("two candidates are called %q", c.Name), at...)
		}
		seen[c.Name] = true
		f.target(c.Target, at...)
	}
}

func (f *flaws) target(t assay.Target, at ...string) {
	in := func(key string) []string { return append(slices.Clone(at), key) }
	switch n := count(t.URL != "", t.ARN != "", t.Function != ""); {
	case n == 0:
		f.add("give it one of url, arn and function", "the arm names nothing to call", at...)
	case n > 1:
		f.add("keep one of url, arn and function", "the arm names more than one thing to call", at...)
	}
	if t.URL != "" && !goodURL(t.URL) {
		f.add(`write scheme, host and perhaps a path, for example "http://127.0.0.1:9000"`, fmt.Sprintf("%q is not the address of an HTTP service", t.URL), in("url")...)
	}
	if t.ARN != "" && !arnPattern.MatchString(t.ARN) {
		f.add("write arn:aws:lambda:REGION:ACCOUNT:function:NAME", fmt.Sprintf("%q is not the ARN of a Lambda function", t.ARN), in("arn")...)
	}
	if t.Function != "" && !targetPattern.MatchString(t.Function) {
		f.add("write NAME or NAME:QUALIFIER", fmt.Sprintf("%q is not the name of a function", t.Function), in("function")...)
	}
	if t.Architecture != "" && (t.ARN == "" || t.Architecture != assay.ARM64 && t.Architecture != "x86_64") {
		f.add(`it goes with arn, and is "x86_64" (the default) or "arm64"`, fmt.Sprintf("%q cannot be the architecture", t.Architecture), in("architecture")...)
	}
	if t.Endpoint != "" && (t.ARN == "" || !goodURL(t.Endpoint)) {
		f.add(`it goes with arn, and looks like "http://127.0.0.1:4566"`, fmt.Sprintf("%q cannot be the endpoint", t.Endpoint), in("endpoint")...)
	}
	if t.TLS != (assay.TLS{}) && !strings.HasPrefix(t.URL, "https://") {
		f.add("it goes with a url that begins with https://", "there is nothing to speak TLS with", in("tls")...)
	}
	if (t.TLS.Cert == "") != (t.TLS.Key == "") {
		f.add("give both, or neither", "cert and key go together", in("tls")...)
	}
	if t.Event != "" && (t.URL != "" || !slices.Contains(eventFormats, t.Event)) {
		f.add(`functions take "v2" (the default), "v1", "url" or "alb"; a url takes none`, fmt.Sprintf("%q cannot be the format of the event", t.Event), in("event")...)
	}
}

// eventFormats are those of room event.
var eventFormats = []string{"v2", "v1", "url", "alb"}

func (f *flaws) rollout(e *assay.Experiment) {
	o := e.Rollout
	if o == nil {
		return
	}
	at := func(key ...string) []string { return append([]string{"rollout"}, key...) }
	i := slices.IndexFunc(e.Candidates, func(c assay.Arm) bool { return c.Name == o.Candidate })
	if i < 0 {
		f.add("name one of the candidates", fmt.Sprintf("no candidate is called %q", o.Candidate), at("candidate")...)
	}
	if e.Traffic != assay.TrafficLive {
		f.add("leave one of the two out", "recordings have no clients to be served", at()...)
	}
	f.canary(o.Canary)
	f.by(o.By, at("by")...)
	if o.Requests < 1 {
		f.add("choose 1 or more", "a step with no answers shows nothing", at("requests")...)
	}
	if o.For < 0 || o.Within < 0 || o.Within > 0 && o.Within < o.For {
		f.add("let within be longer than for", "a step cannot last at least longer than at most", at("within")...)
	}
	if !(o.Errors >= 0 && o.Errors < 1) {
		f.add("choose 0% to 100%, for example 1%", fmt.Sprintf("%g %% is no share", o.Errors*100), at("errors")...)
	}
	for _, quantile := range slices.Sorted(maps.Keys(o.Latency)) {
		if ratio := o.Latency[quantile]; !(ratio > 0) || math.IsInf(ratio, 0) {
			f.add("choose a ratio, for example 120%", fmt.Sprintf("%g is no ratio", ratio), at("latency", quantile)...)
		}
	}
	if i >= 0 {
		f.alias(o, e.Candidates[i].Target, at)
	}
}

func (f *flaws) canary(steps []float64) {
	before := 0.0
	for i, share := range steps {
		if !(share > before && share <= 1) {
			f.add(`let the shares grow, for example "1% -> 10% -> 100%"`, fmt.Sprintf("step %d is %g %%", i+1, share*100), "rollout", "canary")
			return
		}
		before = share
	}
	if len(steps) == 0 {
		f.add(`for example "1% -> 10% -> 100%"`, "there are no steps", "rollout", "canary")
	}
}

// alias wants an alias to shift, and a published version to shift it to.
func (f *flaws) alias(o *assay.Rollout, candidate assay.Target, at func(...string) []string) {
	if o.Alias == "" {
		if o.Endpoint != "" {
			f.add("leave it out, or name an alias", "the endpoint of no alias", at("endpoint")...)
		}
		return
	}
	if !arnPattern.MatchString(o.Alias) || strings.Count(o.Alias, ":") != 7 {
		f.add("write arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS", fmt.Sprintf("%q is not the ARN of an alias", o.Alias), at("alias")...)
	}
	if candidate.Version() == "" {
		f.add("let the candidate's function or arn end in :VERSION, a number", "an alias can be shifted to a published version alone", at("candidate")...)
	}
	if o.Endpoint != "" && !goodURL(o.Endpoint) {
		f.add(`it looks like "http://127.0.0.1:4566"`, fmt.Sprintf("%q cannot be the endpoint", o.Endpoint), at("endpoint")...)
	}
}

func count(flags ...bool) (n int) {
	for _, set := range flags {
		if set {
			n++
		}
	}
	return n
}

func goodURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.RawQuery == "" && u.Fragment == "" && u.Opaque == "" && goodPort(u.Port())
}

// goodPort tells whether something can listen there; no port means the scheme's.
func goodPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

// comparatorOptions are the options of each kind of comparator. Which of the body's go with a format is for
// the formats to say.
var comparatorOptions = map[string][]string{
	assay.CompareStatus:  {"class", "exact", "same"},
	assay.CompareFault:   {"by"},
	assay.CompareLatency: {"ratio", "plus"},
	assay.CompareMemory:  {"ratio", "plus"},
	assay.CompareCost:    {"ratio", "plus"},

	assay.CompareExpression: {"expect"},
	assay.CompareCommand:    {"code", "run", "timeout", "memory"},
	assay.CompareWasm:       {"code", "timeout", "memory"},

	assay.CompareHeaders: {"only", "except", "ignore", "tolerance", "relative", "dates", "unordered"},
	assay.CompareBody: {
		"ignore", "subset", "tolerance", "relative", "dates", "nfc", "unordered", "key", "align", "within",
		"trim", "case", "whitespace", "edits", "perceptual", "alpha", "descriptor", "message",
	},
}

func (f *flaws) comparators(specs []assay.ComparatorSpec) {
	for i, c := range specs {
		at := []string{"comparators", strconv.Itoa(i), c.Kind}
		if what := badPath(c.Path); c.Path != "" && what != "" {
			f.add(`write it as "/a/{id}/b" or "/a/*"`, fmt.Sprintf("the path %q %s", c.Path, what), append(at, "path")...)
		}
		if (c.As != "" || len(c.Type) > 0) && c.Kind != assay.CompareBody {
			f.add("these go with body", fmt.Sprintf("%s has no type and no format", c.Kind), at...)
		}
		if c.Kind == assay.CompareHeaders && (len(c.Only) == 0) == (len(c.Except) == 0) {
			f.add("list the fields to compare, or all but which: {except: [date]}", "headers wants a list of fields, to compare or to leave out", at...)
		}
		f.options(c, at)
		f.own(c, at)
	}
}

// own checks a comparator of the user's own.
func (f *flaws) own(c assay.ComparatorSpec, at []string) {
	in := func(option string) []string { return append(slices.Clone(at), option) }
	switch c.Kind {
	case assay.CompareExpression:
		f.name(c.Name, "an expression", in("name")...)
		return
	case assay.CompareCommand:
		if len(c.Run) == 0 || c.Run[0] == "" {
			f.add(`list its words, for example [python3, compare.py]`, "nothing says what to run", in("run")...)
		}
	case assay.CompareWasm:
		if c.Code == "" {
			f.add("name a file made for WASI, for example compare.wasm", "nothing says where the module is", in("code")...)
		}
	default:
		return
	}
	f.name(c.Name, "a comparator", in("name")...)
	if c.Timeout < 0 || c.Timeout > assay.MaxCompareTimeout {
		f.add("choose at most "+assay.MaxCompareTimeout.String(), fmt.Sprintf("a comparison cannot take %s", c.Timeout), in("timeout")...)
	}
	if c.MemoryMB < 0 || c.MemoryMB > assay.MaxMemoryMB {
		f.add(fmt.Sprintf("choose 1 to %d MB", assay.MaxMemoryMB), fmt.Sprintf("a comparator cannot have %d MB", c.MemoryMB), in("memory")...)
	}
}

// options checks the options of one comparator, and those of the strings within.
func (f *flaws) options(c assay.ComparatorSpec, at []string) {
	known, ok := comparatorOptions[c.Kind]
	if !ok {
		f.add("choose among "+strings.Join(slices.Sorted(maps.Keys(comparatorOptions)), ", "), fmt.Sprintf("there is no comparator %q", c.Kind), at...)
		return
	}
	for _, option := range c.Options() {
		if !slices.Contains(known, option) {
			f.add("leave it out", fmt.Sprintf("%s does not take %s", c.Kind, option), append(at, option)...)
		}
	}
	f.tolerances(c, at)
	for path, within := range sorted(c.Within) {
		within.Kind = c.Kind
		f.options(within, append(slices.Clone(at), "within", path))
	}
}

func (f *flaws) rules(rules []assay.Rule) {
	seen := map[string]bool{}
	for i, r := range rules {
		in := func(key string) []string { return []string{"rules", strconv.Itoa(i), key} }
		part, _, _ := strings.Cut(r.Path, ":")
		if !slices.Contains([]string{"header", "trailer", "body"}, part) || r.Path == part && part != "body" {
			f.add(`write it as differences have it, for example "body:$.id" or "header:etag"`, fmt.Sprintf("%q is not where a rule can excuse", r.Path), in("path")...)
		}
		if !slices.Contains(assay.Classes, r.Class) {
			f.add(fmt.Sprintf("choose among %s", listed(assay.Classes)), fmt.Sprintf("there is no class of values %q", r.Class), in("class")...)
		}
		if r.Class == assay.ClassUnordered && part != "body" {
			f.add(`name an array, for example "body:$.tags"`, "only an array in a body can be unordered", in("path")...)
		}
		if !(r.Within >= 0) || math.IsInf(r.Within, 0) {
			f.add("choose the largest distance that does not matter, 0 or more", fmt.Sprintf("%g is no distance", r.Within), in("within")...)
		}
		if r.Class == assay.ClassJitter && r.Within == 0 {
			f.add("say how far apart the numbers may be", "a rule for jitter without a distance excuses nothing", in("within")...)
		}
		if r.Owner == "" {
			f.add("name who answers for it", "the rule has no owner", in("owner")...)
		}
		if r.Expires.IsZero() {
			f.add("say when it ends, for example 2027-01-31", "the rule does not expire", in("expires")...)
		}
		if seen[r.ID()] {
			f.add("keep one of them", fmt.Sprintf("%s at %s stands here twice", r.Class, r.Path), "rules", strconv.Itoa(i))
		}
		seen[r.ID()] = true
	}
}

func listed[S ~string](all []S) string {
	var words []string
	for _, s := range all {
		words = append(words, string(s))
	}
	return strings.Join(words, ", ")
}

func (f *flaws) tolerances(c assay.ComparatorSpec, at []string) {
	for _, limits := range []map[string]float64{c.Tolerance, c.Relative} {
		for path, v := range sorted(limits) {
			if !(v >= 0) || math.IsInf(v, 0) {
				f.add("choose the largest difference that does not matter, 0 or more", fmt.Sprintf("%g is no tolerance", v), append(slices.Clone(at), "tolerance", path)...)
			}
		}
	}
	for path, v := range sorted(c.Dates) {
		if v < 0 {
			f.add("choose the longest time that does not matter, 0s or more", fmt.Sprintf("%s is no tolerance", v), append(slices.Clone(at), "tolerance", path)...)
		}
	}
	for option, v := range sorted(map[string]float64{"ratio": c.Ratio, "plus": c.Plus, "edits": c.Edits, "perceptual": c.Perceptual}) {
		if !(v >= 0) || math.IsInf(v, 0) || (option == "edits" || option == "perceptual") && v > 1 {
			f.add("choose 0 or more; of edits and perceptual 100% at most", fmt.Sprintf("%g cannot be %s", v, option), append(slices.Clone(at), option)...)
		}
	}
}

func (f *flaws) redact(rules []string) {
	for i, rule := range rules {
		kind, name, _ := strings.Cut(rule, ":")
		if !strings.HasPrefix(rule, "$") && (name == "" || kind != "header" && kind != "query") {
			f.add(`write "header:NAME", "query:NAME" or a JSONPath such as "$.card.number"`, fmt.Sprintf("%q says nothing that can be redacted", rule), "redact", strconv.Itoa(i))
		}
	}
}

func (f *flaws) hypothesis(h assay.Hypothesis) {
	f.share(h.Mismatch, "hypothesis", "mismatch")
	if h.Faults != nil {
		f.share(*h.Faults, "hypothesis", "faults")
	}
	f.quantiles(h.Latency, "latency")
	f.quantiles(h.Cold, "cold")
	for key, limit := range sorted(map[string]*float64{"cost": h.Cost, "memory": h.Memory}) {
		if limit != nil {
			f.ratio(*limit, "hypothesis", key)
		}
	}
	f.margins(h.Guard, assay.Guards, "guard")
	f.margins(h.Delta, assay.Deltas, "delta")
	if !(h.Alpha > 0 && h.Alpha < 1) {
		f.add("choose more than 0 and less than 1, for example 0.05", fmt.Sprintf("%g cannot be the chance of a wrong verdict", h.Alpha), "hypothesis", "alpha")
	}
}

// unpriced finds the claims that a control leaves undecided of which no engine tells anything.
func (f *flaws) unpriced(h assay.Hypothesis) {
	const hint, what = "leave it out, or let the control be a function",
		"%s cannot be compared: the control is a url, and a url has no price and tells of no memory and no cold start"
	for key, claimed := range sorted(map[string]bool{"cold": len(h.Cold) > 0, "cost": h.Cost != nil, "memory": h.Memory != nil}) {
		if claimed {
			f.add(hint, fmt.Sprintf(what, key), "hypothesis", key)
		}
		if _, guarded := h.Guard[key]; guarded {
			f.add(hint, fmt.Sprintf(what, key), "hypothesis", "guard", key)
		}
	}
}

func (f *flaws) quantiles(limits map[string]float64, of string) {
	for quantile, ratio := range sorted(limits) {
		at := []string{"hypothesis", of, quantile}
		if !slices.Contains([]string{"p50", "p90", "p95", "p99"}, quantile) {
			f.add("choose among p50, p90, p95 and p99", fmt.Sprintf("%q is not a quantile that is kept", quantile), at...)
		}
		f.ratio(ratio, at...)
	}
}

// margins wants each to be one that is known, and more than 0 and less than all.
func (f *flaws) margins(margins, known map[string]float64, of string) {
	for name, margin := range sorted(margins) {
		at := []string{"hypothesis", of, name}
		if _, ok := known[name]; !ok {
			names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
			f.add("choose among "+names, fmt.Sprintf("%q is nothing that %s knows", name, of), at...)
		} else if !(margin > 0 && margin < 1) {
			f.add("choose more than 0% and less than 100%", fmt.Sprintf("%g %% cannot be a margin", margin*100), at...)
		}
	}
}

func (f *flaws) ratio(v float64, path ...string) {
	if !(v > 0) || math.IsInf(v, 0) {
		f.add(`write it as "<= 110%"`, fmt.Sprintf("%g %% cannot be a limit", v*100), path...)
	}
}

func (f *flaws) environment(env map[string]string) {
	size := 0
	for name, value := range sorted(env) {
		size += len(name) + len(value)
		if !variablePattern.MatchString(name) {
			f.add("use letters, digits and _, no digit first", fmt.Sprintf("%q cannot be the name of a variable", name), "environment", name)
		}
		if strings.ContainsRune(value, 0) {
			f.add("leave the zero byte out", fmt.Sprintf("the value of %s holds a zero byte", name), "environment", name)
		}
	}
	if size > assay.MaxEnvironment {
		f.add("AWS allows 4 kB in all", fmt.Sprintf("the environment is %d bytes", size), "environment")
	}
}

// sorted visits a map in the order of its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
