// Package template reads the files in which people describe their functions for other tools: serverless.yml
// of the Serverless Framework, and templates of AWS SAM and CloudFormation, in YAML or JSON. In comes the
// text of a file, out go the functions, layers, aliases and HTTP routes in it, and notes about everything
// that Assay leaves out; or errors that say where, what, and what to do.
//
// It is a reader of its own over nodes that know their lines: Go structs generated from AWS's schemas, as
// other libraries have them, tell neither where something stands nor what they did not understand.
package template

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
	"github.com/assaylab/assay/config"
)

// Options is what reading takes from outside of the file. Zero fields stand for nothing.
type Options struct {
	LookupEnv func(string) (string, bool)       // for ${env:NAME}
	ReadFile  func(path string) ([]byte, error) // for ${file(PATH)}, relative to the template
	Stage     string                            // for ${opt:stage}; the template's own, or dev, if empty
	Region    string                            // assay.EmbeddedRegion if empty
	Account   string                            // assay.EmbeddedAccount if empty
	Values    map[string]string                 // for Parameters, ${opt:NAME} and ${param:NAME}
}

// App is what a template describes.
type App struct {
	Name      string // the service, or the file's description; may be empty
	Functions []Function
	Layers    []Layer
	Notes     []Note
}

// Function is a function of a template. Code is relative to the template's folder.
type Function struct {
	assay.Function
	ID           string   // what the template calls it
	Inline       string   // the code itself, if it stands in the template
	Description  string   //
	Architecture string   // "x86_64" or "arm64"; "" if the template does not say
	Role         string   // the ARN of an IAM role, if the template has one as text
	Patterns     []string // of pack.Source
	Layers       []string // IDs of layers of the App, and ARNs of others
	Routes       []Route
	Tags         map[string]string
	URL          *URL
	Aliases      []Alias
	Where        string // file:line:column
}

// Route is an HTTP event: what requests go to a function, in which format.
type Route struct {
	Method string // "GET"; "" is any
	Path   string // "/users/{id}"; a last "{name+}" takes the rest
	Event  string // "v1", "v2" or "alb"
	Where  string
}

// URL is a function URL.
type URL struct {
	Public  bool // without AWS_IAM authorization
	Streams bool // InvokeMode RESPONSE_STREAM
}

// Alias is a name for versions of a function.
type Alias struct {
	Name    string
	Version string             // "" is the one that is deployed now
	Weights map[string]float64 // shares of other versions
}

// Layer is a layer of a template. Code is relative to the template's folder.
type Layer struct {
	ID          string
	Name        string
	Code        string
	Build       string // the runtime whose dependencies are installed into it, if any
	Description string
	Runtimes    []string
	Where       string
}

// Note tells what of a template Assay leaves out, or takes otherwise than AWS.
type Note struct {
	What  string
	Where string
}

// Files are the names that templates have, the likeliest first.
var Files = []string{"serverless.yml", "serverless.yaml", "serverless.json", "template.yaml", "template.yml", "template.json"}

// Is tells whether a file with this text is a template, and not one of Assay's own files. What is not YAML is one
// if it begins a line as templates do: Read then says what is wrong with it.
func Is(data []byte) bool {
	roots, err := config.Nodes("", data)
	if err != nil {
		return telling.Match(data)
	}
	return len(roots) == 1 && kindOf(roots[0]) != nil
}

var telling = regexp.MustCompile(`(?m)^[\s{]*"?(AWSTemplateFormatVersion|Resources|Transform)"?\s*:`)

// kindOf chooses the reader of a template; nil if it is none.
func kindOf(root *yaml.Node) func(*reader, *yaml.Node) {
	switch {
	case get(root, "Resources") != nil:
		return (*reader).stack
	case get(root, "service") != nil && get(root, "provider") != nil:
		return (*reader).service
	}
	return nil
}

// Read reads a template. The file's name is for messages alone. The error joins what is wrong with it,
// each an *assay.Error; an App comes with no error only.
func Read(file string, data []byte, o Options) (App, error) {
	roots, err := config.Nodes(file, data)
	if err != nil {
		return App{}, err
	}
	r := newReader(file, o)
	if len(roots) != 1 {
		r.failAt(file, "a template has Resources, or service and provider", "there should be one document, and there are %d", len(roots))
		return App{}, r.err()
	}
	read := kindOf(roots[0])
	if read == nil {
		r.fail(roots[0], "a SAM or CloudFormation template has Resources, a serverless.yml has service and provider; Assay's own files go to `assay apply`", "this is no template that Assay reads")
		return App{}, r.err()
	}
	read(r, roots[0])
	r.check()
	if err := r.err(); err != nil {
		return App{}, err
	}
	return r.app, nil
}

// check refuses what cannot be deployed, whatever described it.
func (r *reader) check() {
	names := map[string]string{}
	for i := range r.app.Functions {
		f := &r.app.Functions[i]
		if first := names[f.Name]; first != "" {
			r.failAt(f.Where, "rename one of them; the other is at "+first, "two functions are called %q", f.Name)
		}
		names[f.Name] = f.Where
		for _, flaw := range check.Function(&f.Function) {
			if f.Inline != "" && slices.Equal(flaw.Path, []string{"code"}) {
				continue
			}
			r.failAt(f.Where, flaw.Hint, "function %s: %s", f.ID, flaw.What)
		}
		for _, id := range f.Layers {
			if !strings.HasPrefix(id, "arn:") && !slices.ContainsFunc(r.app.Layers, func(l Layer) bool { return l.ID == id }) {
				r.failAt(f.Where, "name a layer of the template, or write the ARN of a version", "function %s: there is no layer %q", f.ID, id)
			}
		}
	}
	if len(r.app.Functions) == 0 && len(r.errs) == 0 {
		r.failAt(r.file, "Assay deploys functions; name a template that has one", "the template has no function")
	}
}

// What is read of one template is bounded, so that aliases of aliases, and variables within variables,
// cannot unfold without end.
const (
	maxSteps = 200_000
	maxDepth = 60
	maxErrs  = 20
	maxText  = 16 << 20 // bytes that variables and functions make, all together
)

// reader turns a template into an App. What it cannot read it notes as an error and goes on.
type reader struct {
	file string
	o    Options
	root *yaml.Node
	app  App

	errs  []error
	noted map[string]bool
	steps int // taken so far
	depth int
	made  int // bytes of text so far

	ids       map[string]string     // names of functions by what the template calls them
	resources *yaml.Node            // of CloudFormation
	files     map[string]*yaml.Node // read for ${file(…)}
	variables bool                  // text may hold ${…} of the Serverless Framework
}

func newReader(file string, o Options) *reader {
	if o.LookupEnv == nil {
		o.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if o.ReadFile == nil {
		o.ReadFile = func(string) ([]byte, error) { return nil, errors.New("files are not read here") }
	}
	if o.Region == "" {
		o.Region = assay.EmbeddedRegion
	}
	if o.Account == "" {
		o.Account = assay.EmbeddedAccount
	}
	return &reader{file: file, o: o, noted: map[string]bool{}, ids: map[string]string{}, files: map[string]*yaml.Node{}}
}

func (r *reader) where(n *yaml.Node) string {
	if n == nil {
		return r.file
	}
	return fmt.Sprintf("%s:%d:%d", r.file, max(n.Line, 1), max(n.Column, 1))
}

func (r *reader) fail(n *yaml.Node, hint, format string, args ...any) {
	r.failAt(r.where(n), hint, format, args...)
}

func (r *reader) failAt(where, hint, format string, args ...any) {
	e := &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf(format, args...), Where: where, Hint: hint}
	if len(r.errs) < maxErrs && !slices.ContainsFunc(r.errs, func(o error) bool { return o.Error() == e.Error() }) {
		r.errs = append(r.errs, e)
	}
}

func (r *reader) err() error { return errors.Join(r.errs...) }

// note tells once what is left out.
func (r *reader) note(n *yaml.Node, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if !r.noted[what] {
		r.noted[what] = true
		r.app.Notes = append(r.app.Notes, Note{What: what, Where: r.where(n)})
	}
}

// makes is the outcome of variables or functions, within what all of them may make together.
func (r *reader) makes(at *yaml.Node, text string) *yaml.Node {
	if r.made += len(text); r.made > maxText {
		r.fail(at, "unfold its variables", "the template is too large")
		return nothing(at)
	}
	return scalar(at, text)
}

// step counts work, and says whether there may be more of it.
func (r *reader) step(n *yaml.Node) bool {
	if r.steps++; r.steps == maxSteps+1 {
		r.fail(n, "unfold its aliases and variables", "the template is too large")
	}
	return r.steps <= maxSteps
}
