package laboratory

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/event"
	"github.com/assaylab/assay/export"
	"github.com/assaylab/assay/reading"
)

// Desk is the laboratory as those see it who read differences. It implements reading.Laboratory.
type Desk struct {
	*Laboratory
	aws string
}

// Desk returns the laboratory for those who read differences; aws is the URL at which the embedded engine's
// functions are invoked.
func (l *Laboratory) Desk(aws string) Desk { return Desk{l, aws} }

// Definitions implements reading.Laboratory.
func (d Desk) Definitions() []assay.Experiment { return d.definitions() }

// WhatIf implements reading.Laboratory. Flaws are located in the text.
func (d Desk) WhatIf(name string, rules []byte) (now, then assay.Comparator, err error) {
	x, err := d.running(name)
	if err != nil {
		return nil, nil, err
	}
	e, where, err := config.ParseComparison(x.def, "rules", rules, config.Options{LookupEnv: d.resolve.env})
	if err != nil {
		return nil, nil, err
	}
	then, flaws := d.resolve.bureau.comparator(&e, x.arms.redactor)
	var all []error
	for _, f := range flaws {
		all = append(all, &assay.Error{Code: assay.CodeInvalid, What: f.What, Where: where(f.Path...), Hint: f.Hint})
	}
	return x.arms.comparator, then, errors.Join(all...)
}

// running is an experiment in force. What it holds stays usable when another version takes its place.
func (l *Laboratory) running(name string) (*experiment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.inForce[name]; x != nil {
		return x, nil
	}
	return nil, l.unknown(name)
}

// Bench implements reading.Laboratory.
func (d Desk) Bench(name, candidate string) (reading.Bench, error) {
	x, err := d.running(name)
	if err != nil {
		return reading.Bench{}, err
	}
	targets := map[string]assay.Target{string(assay.RoleControl): x.def.Control.Target}
	b := reading.Bench{
		Experiment: x.def, Control: x.arms.control, Comparator: x.arms.comparator, Redact: x.arms.redactor.Trial,
		Where: func(arm string) export.Arm { return d.address(targets[arm]) },
	}
	for i, c := range x.def.Candidates {
		if c.Name == candidate {
			b.Candidate, targets[c.Name] = x.arms.candidates[i], c.Target
		}
	}
	if b.Candidate == nil {
		return reading.Bench{}, &assay.Error{Code: assay.CodeNotFound, What: "experiment " + name + " has no candidate " + candidate + " any more", Hint: "`assay describe " + name + "` lists them"}
	}
	b.Event = func(inv *assay.Invocation) ([]byte, error) {
		return eventFor(inv, &x.def, targets[candidate], x.def.Control.Target)
	}
	return b, nil
}

// eventFor is what the first of the targets that is a function is given; nil if none is.
func eventFor(inv *assay.Invocation, e *assay.Experiment, targets ...assay.Target) ([]byte, error) {
	if inv.Request == nil {
		return inv.Payload, nil
	}
	for _, t := range targets {
		if t.URL == "" {
			return routeOf(e).Encode(event.Format(t.Event), inv)
		}
	}
	return nil, nil
}

// address is where a target is reached from outside of the laboratory.
func (d Desk) address(t assay.Target) export.Arm {
	if t.URL != "" {
		return export.Arm{URL: t.URL}
	}
	if name := embedded(t); name != "" {
		return export.Arm{URL: d.aws, Function: name}
	}
	if t.Endpoint != "" {
		return export.Arm{URL: t.Endpoint, Function: t.ARN}
	}
	a, _ := arn.Parse(t.ARN) // it was parsed when the experiment came into force
	return export.Arm{URL: "https://lambda." + a.Region + ".amazonaws.com", Function: t.ARN}
}
