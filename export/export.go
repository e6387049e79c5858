// Package export writes a request that makes a candidate differ in forms that people take elsewhere: curl
// commands, a Lambda test event, a Go test, a pytest. In comes the case, out goes text. Pure.
package export

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/assaylab/assay"
)

// The forms.
const (
	Curl   = "curl"
	Event  = "event"
	Go     = "go"
	Pytest = "pytest"
)

// Forms lists them all.
var Forms = []string{Curl, Event, Go, Pytest}

// Arm is where an arm is called, and what it answered.
type Arm struct {
	Name     string `json:"name"`
	URL      string `json:"url,omitempty"`      // of an HTTP service, or of the Lambda API that runs Function
	Function string `json:"function,omitempty"` // with its qualifier; "" of an HTTP service
	Status   int    `json:"status"`
	Fault    string `json:"fault,omitempty"` // the kind, if it failed
	Body     []byte `json:"body,omitempty"`
}

// Case is one request on which a candidate differs.
type Case struct {
	Experiment  string             `json:"experiment"`
	Request     *assay.Request     `json:"request,omitempty"` // nil for a direct invocation
	Event       []byte             `json:"event,omitempty"`   // what functions are given
	Control     Arm                `json:"control"`
	Candidate   Arm                `json:"candidate"`
	Differences []assay.Difference `json:"differences"`
	Header      assay.Header       `json:"-"` // of the control's answer
}

// Write renders the case in a form.
func (c *Case) Write(form string) (string, error) {
	switch form {
	case Curl:
		return c.curl(), nil
	case Event:
		return c.event()
	case Go:
		return c.render(goTest)
	case Pytest:
		return c.render(pytest)
	}
	return "", &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("there is no form %q", form), Hint: "choose among " + strings.Join(Forms, ", ")}
}

// event is the Lambda test event, laid out for people.
func (c *Case) event() (string, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, c.Event, "", "  "); err != nil {
		return "", &assay.Error{Code: assay.CodeInvalid, What: "the payload is not JSON: it makes no test event", Err: err}
	}
	return out.String() + "\n", nil
}

// curl calls both arms, one after the other.
func (c *Case) curl() string {
	return "# " + c.Control.Name + "\n" + c.curlTo(&c.Control) + "\n# " + c.Candidate.Name + "\n" + c.curlTo(&c.Candidate) + "\n"
}

func (c *Case) curlTo(a *Arm) string {
	if a.Function != "" || c.Request == nil {
		return curlWith([]string{"curl", "-sS", "-X", "POST", quote(c.Address(a))}, c.Event)
	}
	args := []string{"curl", "-sS"}
	switch {
	case c.Request.Method == "HEAD":
		args = append(args, "-I")
	case c.Request.Method != "GET" || len(c.Request.Body) > 0:
		args = append(args, "-X", quote(c.Request.Method))
	}
	args = append(args, quote(c.Address(a)))
	for _, field := range c.Fields() {
		args = append(args, "-H", quote(field[0]+": "+field[1]))
	}
	return curlWith(args, c.Request.Body)
}

// curlWith adds a body: as text in quotes, or as Base64 where it is none.
func curlWith(args []string, body []byte) string {
	command := strings.Join(args, " ")
	switch {
	case len(body) == 0:
		return command
	case utf8.Valid(body) && !bytes.Contains(body, []byte{0}):
		return command + " --data-binary " + quote(string(body))
	}
	return "echo " + base64.StdEncoding.EncodeToString(body) + " | base64 -d | " + command + " --data-binary @-"
}

// quote writes a word for a POSIX shell.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// Address is where an arm is sent the request, or invoked with the event.
func (c *Case) Address(a *Arm) string { return a.URL + c.Target(a) }

// Target is the path and query of Address.
func (c *Case) Target(a *Arm) string {
	if a.Function != "" {
		if strings.HasPrefix(a.Function, "arn:") { // with its qualifier
			return "/2015-03-31/functions/" + url.PathEscape(a.Function) + "/invocations"
		}
		name, qualifier, found := strings.Cut(a.Function, ":")
		target := "/2015-03-31/functions/" + name + "/invocations"
		if found {
			target += "?Qualifier=" + url.QueryEscape(qualifier)
		}
		return target
	}
	if c.Request == nil {
		return ""
	}
	if c.Request.Query == "" {
		return c.Request.Path
	}
	return c.Request.Path + "?" + c.Request.Query
}

// Fields lists the header's fields in order, each value apart, without those that clients make themselves.
func (c *Case) Fields() (fields [][2]string) {
	for _, name := range slices.Sorted(maps.Keys(c.Request.Header)) {
		if name == "Content-Length" || name == "Host" {
			continue
		}
		for _, v := range c.Request.Header[name] {
			fields = append(fields, [2]string{name, v})
		}
	}
	return fields
}

var (
	//go:embed go.tmpl
	goText string
	//go:embed pytest.tmpl
	pytestText string

	goTest = template.Must(template.New("go").Funcs(goWords).Parse(goText))
	pytest = template.Must(template.New("pytest").Funcs(goWords).Parse(pytestText))
)

// goWords are what the templates call. A JSON string is a string of Python, too.
var goWords = template.FuncMap{
	"quoted": func(v any) string { return strconv.Quote(fmt.Sprintf("%s", v)) },
	"python": pythonBytes,
	"json":   jsonText,
	"base64": base64.StdEncoding.EncodeToString,
	"line":   func(s string) string { return strings.Join(strings.Fields(s), " ") },
}

// pythonBytes is an expression of Python: text where the bytes are.
func pythonBytes(b []byte) (string, error) {
	if utf8.Valid(b) {
		text, err := jsonText(string(b))
		return text + ".encode()", err
	}
	return `base64.b64decode("` + base64.StdEncoding.EncodeToString(b) + `")`, nil
}

func jsonText(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// view is a case as the templates see it.
type view struct {
	*Case
	Function bool   // the candidate is one
	Sent     []byte // the body of the call
	Expected string // JSON, see Check
	Image    bool   // bodies are compared by their pixels
	Bytes    bool   // and here by their bytes
}

// Check is what the control answered at a place where the candidate differs.
type Check struct {
	Part  string `json:"part"`            // "status", "header" or "json"
	Steps []any  `json:"steps,omitempty"` // of json: names and indexes; of header: the name
	Want  any    `json:"want"`            // nil, with Absent, if there is nothing
	// Absent tells nothing from null.
	Absent bool `json:"absent,omitempty"`
}

func (c *Case) render(t *template.Template) (string, error) {
	v := view{Case: c, Function: c.Candidate.Function != "" || c.Request == nil}
	if v.Sent = c.Event; !v.Function {
		v.Sent = c.Request.Body
	}
	checks := []Check{}
	for _, d := range c.Differences {
		if d.Ignored == "" {
			checks = v.check(checks, &d)
		}
	}
	text, err := jsonText(checks)
	if err != nil {
		return "", err
	}
	v.Expected = text
	var out strings.Builder
	err = t.Execute(&out, v)
	return out.String(), err
}

// check adds what a difference asks for. What cannot be asked for at its place is asked of the whole body.
func (v *view) check(all []Check, d *assay.Difference) []Check {
	part, rest, _ := strings.Cut(d.Path, ":")
	switch {
	case part == "status", part == "fault":
		return append(all, Check{Part: "status", Want: v.Control.Status})
	case part == "header":
		values := v.Header.Values(rest)
		return append(all, Check{Part: "header", Steps: []any{rest}, Want: strings.Join(values, ", "), Absent: len(values) == 0})
	case d.Kind == assay.KindPixels, d.Kind == assay.KindSize:
		v.Image = true
		return all
	}
	if steps, ok := stepsOf(rest); ok && part == "body" {
		if want, found, ok := lookup(v.Control.Body, steps); ok {
			return append(all, Check{Part: "json", Steps: steps, Want: want, Absent: !found})
		}
	}
	v.Bytes = true
	return all
}

// lookup follows steps into a JSON document; ok is false if it is none.
func lookup(doc []byte, steps []any) (v any, found, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil, false, false
	}
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			members, _ := v.(map[string]any)
			v, found = members[s]
		case int:
			items, _ := v.([]any)
			if found = s < len(items); found {
				v = items[s]
			}
		}
		if !found {
			return nil, false, true
		}
	}
	return v, true, true
}

// stepsOf takes a path of compare's apart: names and indexes.
func stepsOf(path string) (steps []any, ok bool) {
	rest, ok := strings.CutPrefix(path, "$")
	for ok && rest != "" {
		var step any
		switch {
		case strings.HasPrefix(rest, "['"):
			step, rest, ok = quotedStep(rest[2:])
		case rest[0] == '[':
			digits, after, closed := strings.Cut(rest[1:], "]")
			n, err := strconv.Atoi(digits)
			step, rest, ok = n, after, closed && err == nil
		case rest[0] == '.':
			end := len(rest)
			if i := strings.IndexAny(rest[1:], ".["); i >= 0 {
				end = i + 1
			}
			step, rest = rest[1:end], rest[end:]
		default:
			ok = false
		}
		steps = append(steps, step)
	}
	return steps, ok
}

// quotedStep reads a name up to its closing quote and bracket, with JSON's escapes and \'.
func quotedStep(s string) (name, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], "']"):
			text := strings.ReplaceAll(strings.ReplaceAll(s[:i], `\'`, `'`), `"`, `\"`)
			err := json.Unmarshal([]byte(`"`+text+`"`), &name)
			return name, s[i+2:], err == nil
		}
	}
	return "", "", false
}

// Reproduction is a case with how it was found.
type Reproduction struct {
	Case
	Trial    string            `json:"trial"`   // that it began with
	Cluster  string            `json:"cluster"` // the signature it has in common with it
	Began    *assay.Request    `json:"began,omitempty"`
	Calls    int               `json:"calls"`    // of arms, in all
	Complete bool              `json:"complete"` // false: the budget was spent before nothing more could be left out
	Notes    []string          `json:"notes"`    // what else one should know
	Forms    map[string]string `json:"forms"`    // the case in each form that it can be written in
}
