package trial

import "github.com/assaylab/assay"

// What a trial holds beside bodies, in bytes, about: itself with all that belongs to it, and of each header field what
// the text does not take.
const (
	trialWeight = 2 << 10
	fieldWeight = 48
)

// weight is how many bytes a trial holds, all told.
func weight(inv *assay.Invocation, observations ...*assay.Observation) int {
	n := trialWeight + len(inv.Payload)
	if r := inv.Request; r != nil {
		n += len(r.Body) + len(r.Path) + len(r.Query) + headerWeight(r.Header)
	}
	for _, o := range observations {
		n += observationWeight(o)
	}
	return n
}

func observationWeight(o *assay.Observation) int {
	return len(o.Body) + len(o.Log) + headerWeight(o.Header) + headerWeight(o.Trailer)
}

func headerWeight(h assay.Header) (n int) {
	for name, values := range h {
		n += len(name) + fieldWeight
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

// madeWeight is that of a whole trial.
func madeWeight(t *assay.Trial) int {
	all := make([]*assay.Observation, 0, 4)
	observations(t, func(o *assay.Observation) { all = append(all, o) })
	return weight(&t.Invocation, all...)
}
