package reading

import (
	"context"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/cluster"
	"github.com/assaylab/assay/export"
)

// Case writes down how the request of a kept trial, or of a cluster's newest one, is made again, as it was kept:
// nothing is called. Of Wanted only ID and Candidate matter.
func (r *Reader) Case(ctx context.Context, want Wanted) (*export.Reproduction, error) {
	t, candidate, err := r.find(ctx, want)
	if err != nil {
		return nil, err
	}
	arm := candidate.Observation.Arm
	bench, err := r.opt.Laboratory.Bench(t.Experiment, arm)
	if err != nil {
		return nil, err
	}
	inv, notes, err := sendable(t, true)
	if err != nil {
		return nil, err
	}
	inv.ID, inv.Received = t.ID, t.Invocation.Received
	shown := &assay.Trial{ID: t.ID, Experiment: t.Experiment, Invocation: inv, Control: t.Control, Bodies: true, Candidates: []assay.Comparison{*candidate}}
	found, err := bench.write(shown, arm)
	if err != nil {
		return nil, err
	}
	found.Trial, found.Cluster, found.Notes = t.ID, cluster.ID(cluster.Of(t, candidate)), append([]string{}, notes...)
	return found, nil
}

// write writes a trial of one candidate in every form that it has, without secrets.
func (b *Bench) write(t *assay.Trial, candidate string) (*export.Reproduction, error) {
	event, err := b.Event(&t.Invocation)
	if err != nil {
		return nil, err
	}
	t.Invocation.Payload = event
	b.Redact(t)
	c := &t.Candidates[0]
	found := &export.Reproduction{
		Case: export.Case{
			Experiment: t.Experiment, Request: t.Invocation.Request, Event: t.Invocation.Payload, Differences: c.Differences, Header: t.Control.Header,
			Control: b.arm("control", &t.Control), Candidate: b.arm(candidate, &c.Observation),
		},
		Forms: map[string]string{},
	}
	for _, form := range export.Forms {
		if text, err := found.Write(form); err == nil { // a URL's request makes no event
			found.Forms[form] = text
		}
	}
	return found, nil
}

func (b *Bench) arm(name string, o *assay.Observation) export.Arm {
	a := b.Where(name)
	a.Name, a.Status, a.Body = name, o.Status, o.Body
	if o.Fault != nil {
		a.Fault = string(o.Fault.Kind)
	}
	return a
}
