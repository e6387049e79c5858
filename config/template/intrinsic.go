package template

import (
	"encoding/base64"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// eval resolves what a node stands for: aliases, the intrinsic functions of CloudFormation, and the
// variables of the Serverless Framework. What is within a mapping or a list stays as it is until asked for.
func (r *reader) eval(n *yaml.Node) *yaml.Node {
	n = follow(n)
	if n == nil || !r.step(n) {
		return n
	}
	if r.depth++; r.depth > maxDepth {
		r.depth--
		r.fail(n, "unfold them", "variables or functions stand within each other more than %d deep, or in circles", maxDepth)
		return nothing(n)
	}
	defer func() { r.depth-- }()
	if name, arg := intrinsic(n); name != "" {
		return r.call(n, name, arg)
	}
	if r.variables && n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		return r.expand(n)
	}
	return n
}

// intrinsic is the function that a node calls, without "Fn::", and its argument: {"Fn::Sub": "x"} or !Sub x.
func intrinsic(n *yaml.Node) (string, *yaml.Node) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		plain := *n
		plain.Tag = map[yaml.Kind]string{yaml.ScalarNode: "!!str", yaml.SequenceNode: "!!seq", yaml.MappingNode: "!!map"}[n.Kind]
		return strings.TrimPrefix(n.Tag, "!"), &plain
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return "", nil
	}
	key := n.Content[0].Value
	if name, ok := strings.CutPrefix(key, "Fn::"); ok || key == "Ref" || key == "Condition" {
		return name, n.Content[1]
	}
	return "", nil
}

func (r *reader) call(at *yaml.Node, name string, arg *yaml.Node) *yaml.Node {
	args := func(least int) []*yaml.Node {
		if a := r.eval(arg); a != nil && a.Kind == yaml.SequenceNode && len(a.Content) >= least {
			return a.Content
		}
		r.fail(at, "see the reference of CloudFormation's intrinsic functions", "%s wants a list of at least %d", name, least)
		return nil
	}
	switch name {
	case "Ref":
		return r.reference(at, r.text(arg))
	case "Sub":
		return r.sub(at, arg)
	case "GetAtt":
		return r.attribute(at, strings.Join(r.texts(arg), "."))
	case "Join":
		if a := args(2); a != nil {
			return r.join(at, r.text(a[0]), r.texts(a[1]))
		}
	case "FindInMap":
		if a := args(3); a != nil {
			return r.findInMap(at, a)
		}
	case "If":
		if a := args(3); a != nil {
			if r.condition(a[0]) {
				return r.eval(a[1])
			}
			return r.eval(a[2])
		}
	case "Select":
		if a := args(2); a != nil {
			all := r.items(a[1])
			if i := r.integer(a[0]); i >= 0 && i < len(all) {
				return all[i]
			}
			r.fail(at, "count from 0", "Select names an item that is not there")
		}
	case "Split":
		if a := args(2); a != nil {
			return r.split(at, r.text(a[1]), r.text(a[0]))
		}
	case "Base64":
		return r.makes(at, base64.StdEncoding.EncodeToString([]byte(r.text(arg))))
	case "Equals", "And", "Or", "Not", "Condition":
		return scalar(at, strconv.FormatBool(r.test(at, name, arg)))
	default:
		r.note(at, "%s is not resolved: its value stands in for it as text", name)
		return scalar(at, name)
	}
	return nothing(at)
}

func (r *reader) join(at *yaml.Node, by string, texts []string) *yaml.Node {
	size := 0
	for _, t := range texts {
		size += len(by) + len(t)
	}
	if size > maxText {
		r.fail(at, "write a shorter list", "Join makes a text of %d bytes", size)
		return nothing(at)
	}
	return r.makes(at, strings.Join(texts, by))
}

func (r *reader) split(at *yaml.Node, text, by string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: at.Line, Column: at.Column}
	if by == "" {
		r.fail(at, "name what to split by", "Split by nothing")
		return list
	}
	for _, s := range strings.Split(text, by) {
		list.Content = append(list.Content, scalar(at, s))
	}
	return list
}

func (r *reader) findInMap(at *yaml.Node, a []*yaml.Node) *yaml.Node {
	keys := []string{r.text(a[0]), r.text(a[1]), r.text(a[2])}
	if n := get(r.root, append([]string{"Mappings"}, keys...)...); n != nil {
		return r.eval(n)
	}
	if len(a) > 3 {
		if n := get(follow(a[3]), "DefaultValue"); n != nil {
			return r.eval(n)
		}
	}
	r.fail(at, "add it under Mappings", "Mappings has no %s", strings.Join(keys, "."))
	return nothing(at)
}

// condition is the value of a condition by its name, or of one that is written out.
func (r *reader) condition(n *yaml.Node) bool {
	n = follow(n)
	if name, arg := intrinsic(n); name != "" {
		return r.test(n, name, arg)
	}
	named := get(r.root, "Conditions", n.Value)
	if named == nil {
		r.fail(n, "define it under Conditions", "there is no condition %q", n.Value)
		return false
	}
	v := r.eval(named)
	return v != nil && v.Value == "true"
}

func (r *reader) test(at *yaml.Node, name string, arg *yaml.Node) bool {
	if name == "Condition" {
		return r.condition(follow(arg))
	}
	list := follow(arg)
	if !r.step(at) {
		return false
	}
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		r.fail(at, "write it as a list", "%s wants a list", name)
		return false
	}
	switch name {
	case "Equals":
		return len(list.Content) == 2 && r.text(list.Content[0]) == r.text(list.Content[1])
	case "Not":
		return !r.condition(list.Content[0])
	}
	for _, c := range list.Content {
		if r.condition(c) != (name == "And") {
			return name == "Or"
		}
	}
	return name == "And"
}

// reference is what Ref gives: a parameter, a fact of the engine, or the name of a resource.
func (r *reader) reference(at *yaml.Node, name string) *yaml.Node {
	if fact, ok := r.fact(name); ok {
		return scalar(at, fact)
	}
	if name == "AWS::NoValue" {
		return nothing(at)
	}
	if v, ok := r.o.Values[name]; ok {
		return scalar(at, v)
	}
	if p := get(r.root, "Parameters", name); p != nil {
		if def := get(p, "Default"); def != nil {
			return scalar(at, r.text(def))
		}
		r.fail(at, "give it as --param "+name+"=VALUE", "the parameter %s has no default", name)
		return nothing(at)
	}
	if fn, ok := r.ids[name]; ok {
		return scalar(at, fn)
	}
	if res := get(r.resources, name); res != nil {
		if kind := r.kind(res); !own(kind) {
			r.note(at, "%s (%s) is not deployed: its name stands in for it", name, kind)
		}
		return scalar(at, name)
	}
	if strings.HasPrefix(name, "Serverless") { // the APIs that SAM makes by itself
		return scalar(at, name)
	}
	r.fail(at, "define it under Parameters or Resources", "%q is neither a parameter nor a resource", name)
	return nothing(at)
}

// fact is a pseudo parameter.
func (r *reader) fact(name string) (string, bool) {
	switch name {
	case "AWS::Region":
		return r.o.Region, true
	case "AWS::AccountId":
		return r.o.Account, true
	case "AWS::Partition":
		return "aws", true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	case "AWS::StackName":
		return "assay", true
	case "AWS::StackId":
		return "arn:aws:cloudformation:" + r.o.Region + ":" + r.o.Account + ":stack/assay", true
	}
	return "", false
}

// attribute is what GetAtt gives: the ARN of a function, and otherwise something that has its form.
func (r *reader) attribute(at *yaml.Node, name string) *yaml.Node {
	id, attribute, _ := strings.Cut(name, ".")
	fn, isFunction := r.ids[id]
	switch {
	case isFunction && attribute == "Arn":
		return scalar(at, "arn:aws:lambda:"+r.o.Region+":"+r.o.Account+":function:"+fn)
	case isFunction || get(r.resources, id) != nil:
		if kind := r.kind(get(r.resources, id)); !own(kind) {
			r.note(at, "%s (%s) is not deployed: its name stands in for it", id, kind)
		}
		return scalar(at, name)
	case strings.HasPrefix(id, "Serverless"):
		return scalar(at, name)
	}
	r.fail(at, "define it under Resources", "there is no resource %q", id)
	return nothing(at)
}

// sub replaces ${Name} and ${Name.Attribute}; ${!x} is ${x} itself.
func (r *reader) sub(at, arg *yaml.Node) *yaml.Node {
	arg = follow(arg)
	var own *yaml.Node
	template := arg
	if arg.Kind == yaml.SequenceNode && len(arg.Content) == 2 {
		template, own = arg.Content[0], follow(arg.Content[1])
	}
	rest := r.text(template)
	var b strings.Builder
	for b.Len() <= maxText {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		name, next, closed := strings.Cut(after, "}")
		if !found || !closed {
			if found {
				b.WriteString("${" + after)
			}
			break
		}
		rest = next
		switch {
		case strings.HasPrefix(name, "!"):
			b.WriteString("${" + name[1:] + "}")
		case get(own, name) != nil:
			b.WriteString(r.text(get(own, name)))
		case strings.Contains(name, "."):
			b.WriteString(r.text(r.attribute(at, name)))
		default:
			b.WriteString(r.text(r.reference(at, name)))
		}
	}
	return r.makes(at, b.String())
}
