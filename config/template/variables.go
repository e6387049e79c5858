package template

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay/config"
)

// expand replaces the variables ${…} of the Serverless Framework in a text. A text that is one variable
// alone becomes what that stands for, be it a mapping; what belongs to CloudFormation, as ${AWS::Region}
// does, stays.
func (r *reader) expand(n *yaml.Node) *yaml.Node {
	text := n.Value
	if end := closing(text); end == len(text)-1 && strings.HasPrefix(text, "${") {
		if v := r.variable(n, text[2:end]); v != nil {
			return v
		}
		return n
	}
	var b strings.Builder
	for b.Len() <= maxText {
		before, after, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			break
		}
		end := closing("${" + after)
		if end < 0 {
			b.WriteString("${" + after)
			break
		}
		inner := after[:end-2]
		text = after[end-1:]
		if v := r.variable(n, inner); v != nil {
			b.WriteString(r.text(v))
		} else {
			b.WriteString("${" + inner + "}")
		}
	}
	return r.makes(n, b.String())
}

// closing is the index of the brace that closes the first one of a text; -1 if none does.
func closing(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "${"):
			depth++
		case text[i] == '}' && depth > 0:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// variable finds what the inside of ${…} stands for: the first of its alternatives, parted by commas, that
// has a value. nil is for what is not the framework's.
func (r *reader) variable(at *yaml.Node, inner string) *yaml.Node {
	if strings.HasPrefix(inner, "AWS::") || inner == "" || !strings.ContainsAny(inner, ":,('\"") {
		return nil
	}
	if r.depth++; r.depth > maxDepth || !r.step(at) {
		r.depth--
		r.fail(at, "unfold them", "variables stand within each other more than %d deep, or in circles", maxDepth)
		return nothing(at)
	}
	defer func() { r.depth-- }()
	alternatives := parted(inner)
	for _, a := range alternatives {
		if v := r.source(at, strings.TrimSpace(a)); !null(v) {
			return v
		}
	}
	r.fail(at, "give it a value to fall back on, as in ${"+alternatives[0]+", 'value'}, or --stage and --param NAME=VALUE", "${%s} has no value here", inner)
	return nothing(at)
}

// parted splits at the commas that are in no quotes, braces or parentheses.
func parted(s string) []string {
	var all []string
	depth, quote, start := 0, byte(0), 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '{' || c == '(':
			depth++
		case c == '}' || c == ')':
			depth--
		case c == ',' && depth == 0:
			all = append(all, s[start:i])
			start = i + 1
		}
	}
	return append(all, s[start:])
}

// source finds the value of one alternative, nil if it has none.
func (r *reader) source(at *yaml.Node, s string) *yaml.Node {
	if len(s) >= 2 && (s[0] == '\'' || s[0] == '"') && s[len(s)-1] == s[0] {
		return r.eval(scalar(at, s[1:len(s)-1]))
	}
	if strings.Contains(s, "${") {
		s = r.text(r.expand(scalar(at, s)))
	}
	if rest, ok := strings.CutPrefix(s, "file("); ok {
		return r.fileValue(at, rest)
	}
	if rest, ok := strings.CutPrefix(s, "strToBool("); ok {
		v := strings.Trim(strings.TrimSuffix(rest, ")"), `'" `)
		return scalar(at, map[bool]string{true: "true", false: "false"}[v == "true" || v == "1"])
	}
	kind, name, _ := strings.Cut(s, ":")
	switch kind {
	case "self":
		return r.within(r.root, name)
	case "opt":
		return r.option(at, name)
	case "env":
		if v, ok := r.o.LookupEnv(name); ok {
			return scalar(at, v)
		}
		return nil
	case "param":
		return r.parameter(at, name)
	case "sls":
		if name == "stage" {
			return scalar(at, r.stage())
		}
		return scalar(at, "assay")
	case "aws":
		return scalar(at, map[string]string{"region": r.o.Region, "accountId": r.o.Account}[name])
	case "ssm", "cf", "s3", "git", "doppler", "terraform", "vault":
		return nil // what only the framework can ask for
	}
	if !strings.Contains(s, ":") { // a literal, such as a number or true
		return scalar(at, s)
	}
	return nil
}

func (r *reader) option(at *yaml.Node, name string) *yaml.Node {
	if v, ok := r.o.Values[name]; ok {
		return scalar(at, v)
	}
	switch {
	case name == "stage" && r.o.Stage != "":
		return scalar(at, r.o.Stage)
	case name == "region" && get(r.root, "provider", "region") == nil:
		return scalar(at, r.o.Region)
	}
	return nil
}

// parameter finds a value of `params` (or `stages`) for the stage, or for all.
func (r *reader) parameter(at *yaml.Node, name string) *yaml.Node {
	if v, ok := r.o.Values[name]; ok {
		return scalar(at, v)
	}
	for _, stage := range []string{r.stage(), "default"} {
		if v := get(r.root, "params", stage, name); v != nil {
			return r.eval(v)
		}
		if v := get(r.root, "stages", stage, "params", name); v != nil {
			return r.eval(v)
		}
	}
	return nil
}

// within follows a path such as custom.tables.0.name, through variables on the way.
func (r *reader) within(n *yaml.Node, path string) *yaml.Node {
	n = r.eval(n)
	for step := range strings.SplitSeq(path, ".") {
		switch {
		case step == "" || n == nil:
		case n.Kind == yaml.SequenceNode:
			all := r.items(n)
			if i := index(step); i >= 0 && i < len(all) {
				n = all[i]
			} else {
				n = nil
			}
		case n == r.root && step == "provider" && strings.HasSuffix(path, ".stage") && r.o.Stage != "":
			n = get(n, step)
			return scalar(n, r.o.Stage)
		default:
			n = r.eval(get(n, step))
		}
	}
	return n
}

func index(s string) int {
	if len(s) > 4 || strings.Trim(s, "0123456789") != "" {
		return -1
	}
	n := 0
	for _, c := range s {
		n = 10*n + int(c-'0')
	}
	return n
}

// fileValue reads "PATH)" or "PATH):key.key": of another file, all or a part.
func (r *reader) fileValue(at *yaml.Node, s string) *yaml.Node {
	name, key, ok := strings.Cut(s, ")")
	if !ok {
		r.fail(at, "write ${file(PATH)} or ${file(PATH):key}", "the parenthesis of file( is not closed")
		return nil
	}
	name = path.Clean(strings.TrimSpace(name))
	n, read := r.files[name]
	if !read {
		n = r.readFile(at, name)
		r.files[name] = n
	}
	if n == nil {
		return nil
	}
	if key = strings.TrimPrefix(key, ":"); key != "" {
		return r.within(n, key)
	}
	return r.eval(n)
}

func (r *reader) readFile(at *yaml.Node, name string) *yaml.Node {
	switch path.Ext(name) {
	case ".yml", ".yaml", ".json":
	case ".js", ".cjs", ".mjs", ".ts":
		r.fail(at, "write its values in YAML or JSON", "%s is a program, which Assay does not run to read a template", name)
		return nil
	default:
		text, err := r.o.ReadFile(name)
		if err != nil {
			return nil
		}
		return scalar(at, string(text))
	}
	data, err := r.o.ReadFile(name)
	if err != nil {
		return nil // an alternative may stand behind it
	}
	roots, err := config.Nodes(name, data)
	if err != nil {
		r.errs = append(r.errs, err)
		return nil
	}
	if len(roots) == 0 {
		return nil
	}
	place(roots[0], at)
	return roots[0]
}

// place lets errors about a node of another file name the variable that brought it in.
func place(n, at *yaml.Node) {
	n.Line, n.Column = at.Line, at.Column
	for _, c := range n.Content {
		place(c, at)
	}
}
