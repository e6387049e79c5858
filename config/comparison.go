package config

import (
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/check"
)

// ParseComparison reads how an experiment's answers are to be compared instead: a file with comparators,
// rules or both at its top, or a whole definition file that has the experiment. It returns the experiment
// with what the file says of them and nothing else changed, and what says where a path within the
// experiment stands in the file. What the file leaves out stays as it is.
func ParseComparison(e assay.Experiment, file string, data []byte, o Options) (assay.Experiment, func(path ...string) string, error) {
	r := &reader{file: file, o: o}
	docs := r.documents(data)
	if len(docs) != 1 && len(r.flaws) == 0 {
		r.failAt(file, "write `comparators:` or `rules:`", "there must be one YAML document, and there are %d", len(docs))
	}
	if len(r.flaws) > 0 {
		return e, nil, r.err()
	}
	if _, whole := child(docs[0], "experiments"); whole != nil {
		return fromDefinitions(e, file, data, o)
	}
	r.fields(docs[0], "a file of comparators and rules", fields{
		"comparators": func(n *yaml.Node) { e.Comparators = r.comparators(n) },
		"rules":       func(n *yaml.Node) { e.Rules = r.rules(n) },
	})
	flaws := slices.DeleteFunc(check.Experiment(&e), func(f assay.Flaw) bool {
		return len(f.Path) == 0 || f.Path[0] != "comparators" && f.Path[0] != "rules"
	})
	r.locate(flaws, docs[0], docs[0])
	doc := Document{roots: []root{{file, docs[0]}}}
	return e, doc.Where, r.err()
}

// fromDefinitions takes comparators and rules out of a whole definition file.
func fromDefinitions(e assay.Experiment, file string, data []byte, o Options) (assay.Experiment, func(path ...string) string, error) {
	doc, err := Parse(file, data, o)
	if err != nil {
		return e, nil, err
	}
	i := slices.IndexFunc(doc.Experiments, func(x assay.Experiment) bool { return x.Name == e.Name })
	if i < 0 {
		return e, nil, &assay.Error{Code: assay.CodeInvalid, What: "the file does not define the experiment " + e.Name, Where: file, Hint: "name a file that does, or one with comparators and rules alone"}
	}
	e.Comparators, e.Rules = doc.Experiments[i].Comparators, doc.Experiments[i].Rules
	return e, func(path ...string) string { return doc.Where(append([]string{"experiments", e.Name}, path...)...) }, nil
}
