// Package config reads definitions. In come files that people wrote, YAML or JSON; out go experiments
// and functions with every default filled in, or errors that say where (file:line:column), what, and
// what to do. It also writes definitions back, and publishes the JSON Schema of the format.
package config

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// Document is what one or more files define, in their order.
type Document struct {
	Experiments []assay.Experiment
	Functions   []assay.Function
	Notify      []assay.Channel // whom to tell of events

	roots []root
}

// Options is what reading takes from outside of the file. Zero fields stand for nothing.
type Options struct {
	LookupEnv func(string) (string, bool) // values for {NAME} in the addresses of arms
	Dir       string                      // relative code folders start here
}

// MaxBytes is the largest file that is read.
const MaxBytes = 4 << 20

// Parse reads a file. The error joins what is wrong with it, up to a limit, each an *assay.Error; a
// Document comes with no error only. The file's name is for messages and Source alone.
func Parse(file string, data []byte, o Options) (Document, error) {
	r := &reader{file: file, o: o}
	var doc Document
	for _, n := range r.documents(data) {
		r.fields(n, "the file", fields{
			"experiments": func(n *yaml.Node) {
				for key, body := range r.entries(n, "experiments") {
					r.once(key, "experiment", doc.defined("experiments", key.Value))
					doc.Experiments = append(doc.Experiments, r.experiment(key.Value, key, body))
				}
			},
			"functions": func(n *yaml.Node) {
				for key, body := range r.entries(n, "functions") {
					r.once(key, "function", doc.defined("functions", key.Value))
					doc.Functions = append(doc.Functions, r.function(key, body))
				}
			},
			"notify": func(n *yaml.Node) {
				for item := range r.items(n, "notify") {
					doc.Notify = append(doc.Notify, r.channel(item))
				}
			},
		})
		doc.roots = append(doc.roots, root{file, n})
	}
	if err := r.err(); err != nil {
		return Document{}, err
	}
	return doc, nil
}

// Nodes reads the YAML or JSON of a file as it stands: the roots of its documents that are not empty.
// What is wrong with it is an error as of Parse.
func Nodes(file string, data []byte) ([]*yaml.Node, error) {
	r := &reader{file: file}
	roots := r.documents(data)
	return roots, r.err()
}

// once refuses a name that an earlier YAML document of the same file defines too.
func (r *reader) once(key *yaml.Node, kind, first string) {
	if first != "" {
		r.fail(key, "rename one of them; the other is at "+first, "the %s %q is defined twice", kind, key.Value)
	}
}

// IsDocument tells whether a definition is one of a whole file, and not the body of one experiment.
func IsDocument(definition []byte) bool {
	for _, n := range (&reader{}).documents(definition) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == "experiments" {
				return true
			}
		}
	}
	return false
}

// ParseExperiment reads the body of one experiment, what stands below its name in a file.
func ParseExperiment(name, file string, data []byte, o Options) (assay.Experiment, error) {
	r := &reader{file: file, o: o}
	docs := r.documents(data)
	if len(docs) != 1 && len(r.flaws) == 0 {
		r.failAt(file, "write the keys of the experiment, path and control at least", "there must be one definition, and there are %d", len(docs))
	}
	if len(r.flaws) > 0 {
		return assay.Experiment{}, r.err()
	}
	e := r.experiment(name, docs[0], docs[0])
	if err := r.err(); err != nil {
		return assay.Experiment{}, err
	}
	return e, nil
}

// maxFlaws bounds what is said about one file.
const maxFlaws = 20

// err joins what was found wrong.
func (r *reader) err() error {
	var all []error
	for i, f := range r.flaws {
		if i == maxFlaws {
			all = append(all, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("and %d more flaws", len(r.flaws)-i), Where: r.file, Hint: "mend these first"})
			break
		}
		all = append(all, f)
	}
	return errors.Join(all...)
}
