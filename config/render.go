package config

import (
	"bytes"

	"go.yaml.in/yaml/v4"

	"github.com/assaylab/assay"
)

// Render writes a document in the format that Parse reads, such that reading it gives it back. What a
// definition is apart from its source (version, state, digest, …) is not written.
func Render(doc Document) ([]byte, error) {
	var file struct {
		Functions   mapping `yaml:"functions,omitempty"`
		Experiments mapping `yaml:"experiments,omitempty"`
		Notify      []any   `yaml:"notify,omitempty"`
	}
	for _, f := range doc.Functions {
		file.Functions = append(file.Functions, entry{f.Name, functionBody(f)})
	}
	for _, e := range doc.Experiments {
		file.Experiments = append(file.Experiments, entry{e.Name, experimentBody(e)})
	}
	for _, c := range doc.Notify {
		file.Notify = append(file.Notify, channelBody(c))
	}
	var out bytes.Buffer
	d, err := yaml.NewDumper(&out, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, err
	}
	if err := d.Dump(&file); err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// mapping is a YAML mapping whose order is kept.
type mapping []entry

type entry struct {
	key   string
	value any
}

// MarshalYAML makes a mapping node of m.
func (m mapping) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, e := range m {
		var key, value yaml.Node
		if err := key.Dump(e.key); err != nil {
			return nil, err
		}
		if err := value.Dump(e.value); err != nil {
			return nil, err
		}
		if value.Tag == "!!null" {
			value.Value = "" // "statuscode:", as people write it
		}
		node.Content = append(node.Content, &key, &value)
	}
	return node, nil
}

// The bodies below mirror the file, key by key; fields without omitempty are always written.

type functionFile struct {
	Runtime     string            `yaml:"runtime"`
	Handler     string            `yaml:"handler,omitempty"`
	Code        string            `yaml:"code"`
	Build       string            `yaml:"build,omitempty"`
	Memory      int               `yaml:"memory"`
	Timeout     string            `yaml:"timeout"`
	Environment map[string]string `yaml:"environment,omitempty"`
	Concurrency int               `yaml:"concurrency,omitempty"`
	Standby     int               `yaml:"standby,omitempty"`
	Layers      []string          `yaml:"layers,omitempty"`
	Tmp         int               `yaml:"tmp,omitempty"`
	Network     bool              `yaml:"network,omitempty"`
}

func functionBody(f assay.Function) functionFile {
	return functionFile{
		Runtime: f.Runtime, Handler: f.Handler, Code: f.Code, Build: f.Build, Memory: f.MemoryMB,
		Timeout: formatDuration(f.Timeout), Environment: f.Environment, Concurrency: f.Concurrency,
		Standby: f.Standby, Layers: f.Layers, Tmp: f.TmpMB, Network: f.Network,
	}
}

type experimentFile struct {
	Traffic     string         `yaml:"traffic,omitempty"`
	Path        string         `yaml:"path,omitempty"`
	Methods     []string       `yaml:"methods,flow,omitempty"`
	Unsafe      bool           `yaml:"unsafe,omitempty"`
	Sample      any            `yaml:"sample"`
	Secondary   string         `yaml:"secondary,omitempty"`
	Budget      *budgetFile    `yaml:"budget,omitempty"`
	Holdout     string         `yaml:"holdout,omitempty"`
	Protect     *protectFile   `yaml:"protect,omitempty"`
	Control     armFile        `yaml:"control"`
	Candidates  mapping        `yaml:"candidates,omitempty"`
	Comparators []any          `yaml:"comparators"`
	Rules       []ruleFile     `yaml:"rules,omitempty"`
	Redact      []string       `yaml:"redact,omitempty"`
	Hypothesis  hypothesisFile `yaml:"hypothesis"`
	Until       *untilFile     `yaml:"until,omitempty"`
	Keep        *keepFile      `yaml:"keep,omitempty"`
	Rollout     *rolloutFile   `yaml:"rollout,omitempty"`
}

type sampleFile struct {
	Rate string `yaml:"rate"`
	By   string `yaml:"by,omitempty"`
	Rare int    `yaml:"rare,omitempty"`
}

type budgetFile struct {
	Concurrency int    `yaml:"concurrency"`
	Queue       int    `yaml:"queue"`
	Memory      string `yaml:"memory"`
	Timeout     string `yaml:"timeout"`
	Body        string `yaml:"body"`
}

type armFile struct {
	Name         string   `yaml:"name,omitempty"`
	URL          string   `yaml:"url,omitempty"`
	ARN          string   `yaml:"arn,omitempty"`
	Function     string   `yaml:"function,omitempty"`
	Endpoint     string   `yaml:"endpoint,omitempty"`
	Architecture string   `yaml:"architecture,omitempty"`
	Event        string   `yaml:"event,omitempty"`
	TLS          *tlsFile `yaml:"tls,omitempty"`
}

type tlsFile struct {
	CA   string `yaml:"ca,omitempty"`
	Cert string `yaml:"cert,omitempty"`
	Key  string `yaml:"key,omitempty"`
	Name string `yaml:"name,omitempty"`
}

type ruleFile struct {
	Path     string      `yaml:"path"`
	Class    assay.Class `yaml:"class"`
	Within   float64     `yaml:"within,omitempty"`
	Owner    string      `yaml:"owner"`
	Expires  string      `yaml:"expires"`
	Accepted string      `yaml:"accepted,omitempty"`
}

type hypothesisFile struct {
	Mismatch string            `yaml:"mismatch"`
	Faults   string            `yaml:"faults,omitempty"`
	Latency  map[string]string `yaml:"latency,omitempty"`
	Cold     map[string]string `yaml:"cold,omitempty"`
	Cost     string            `yaml:"cost,omitempty"`
	Memory   string            `yaml:"memory,omitempty"`
	Guard    map[string]string `yaml:"guard,omitempty"`
	Delta    map[string]string `yaml:"delta,omitempty"`
	Alpha    float64           `yaml:"alpha"`
}

type untilFile struct {
	Trials int64  `yaml:"trials,omitempty"`
	For    string `yaml:"for,omitempty"`
}

type keepFile struct {
	Size string `yaml:"size,omitempty"`
	For  string `yaml:"for,omitempty"`
}

func keepBody(k assay.Keep) *keepFile {
	if k == (assay.Keep{}) {
		return nil
	}
	f := new(keepFile)
	if k.Size != 0 {
		f.Size = formatSize(k.Size)
	}
	if k.For != 0 {
		f.For = formatDuration(k.For)
	}
	return f
}

func experimentBody(e assay.Experiment) experimentFile {
	f := experimentFile{
		Traffic: e.Traffic, Path: e.Path, Methods: e.Methods, Unsafe: e.Unsafe, Sample: formatShare(e.Sample.Rate),
		Control: armBody(e.Control), Comparators: []any{}, Redact: e.Redact, Hypothesis: hypothesisBody(e.Hypothesis),
		Protect: protectBody(e.Protect), Keep: keepBody(e.Keep), Rollout: rolloutBody(e.Rollout),
	}
	if s := e.Sample; s.By != "" || s.Rare != 0 {
		f.Sample = sampleFile{Rate: formatShare(s.Rate), By: s.By, Rare: s.Rare}
	}
	if e.Holdout != 0 {
		f.Holdout = formatShare(e.Holdout)
	}
	if e.Secondary != 0 {
		f.Secondary = formatShare(e.Secondary)
	}
	if b := e.Budget; b != assay.DefaultBudget {
		f.Budget = &budgetFile{
			Concurrency: b.Concurrency, Queue: b.Queue, Memory: formatSize(b.Memory),
			Timeout: formatDuration(b.Timeout), Body: formatSize(b.Body),
		}
	}
	for _, c := range e.Candidates {
		f.Candidates = append(f.Candidates, entry{c.Name, armBody(c)})
	}
	for _, c := range e.Comparators {
		f.Comparators = append(f.Comparators, mapping{{c.Kind, comparatorBody(c)}})
	}
	for _, r := range e.Rules {
		f.Rules = append(f.Rules, ruleBody(r))
	}
	if u := e.Until; u != (assay.Until{}) {
		f.Until = &untilFile{Trials: u.Trials}
		if u.For != 0 {
			f.Until.For = formatDuration(u.For)
		}
	}
	return f
}

func armBody(a assay.Arm) armFile {
	t := a.Target
	f := armFile{Name: a.Title, URL: t.URL, ARN: t.ARN, Function: t.Function, Endpoint: t.Endpoint, Architecture: t.Architecture, Event: t.Event}
	if t.TLS != (assay.TLS{}) {
		f.TLS = &tlsFile{CA: t.TLS.CA, Cert: t.TLS.Cert, Key: t.TLS.Key, Name: t.TLS.Name}
	}
	return f
}

func ruleBody(r assay.Rule) ruleFile {
	return ruleFile{
		Path: r.Path, Class: r.Class, Within: r.Within, Owner: r.Owner,
		Expires: formatTime(r.Expires), Accepted: formatTime(r.Accepted),
	}
}

func hypothesisBody(h assay.Hypothesis) hypothesisFile {
	return hypothesisFile{
		Mismatch: formatLimit(h.Mismatch), Faults: formatClaim(h.Faults),
		Latency: formatAll(h.Latency, formatLimit), Cold: formatAll(h.Cold, formatLimit),
		Cost: formatClaim(h.Cost), Memory: formatClaim(h.Memory),
		Guard: formatAll(h.Guard, formatShare), Delta: formatAll(h.Delta, formatShare), Alpha: h.Alpha,
	}
}

// formatClaim writes a limit, "" if nothing is claimed.
func formatClaim(limit *float64) string {
	if limit == nil {
		return ""
	}
	return formatLimit(*limit)
}

func formatAll(values map[string]float64, format func(float64) string) map[string]string {
	if len(values) == 0 {
		return nil
	}
	all := make(map[string]string, len(values))
	for name, v := range values {
		all[name] = format(v)
	}
	return all
}
