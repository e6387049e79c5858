package assay

import (
	"cmp"
	"slices"
	"strings"
)

// StratumKey names a part of an experiment's requests. The zero value of a field stands for what is not told
// apart, or not known.
type StratumKey struct {
	Method string `json:"method,omitempty"`
	Route  string `json:"route"`           // the path, with "{}" for what varies; or OtherStratum
	Class  string `json:"class,omitempty"` // of the control's answer: "2xx", …, or "fault"; "" where it was not looked at
}

// String writes it for people: "GET /users/{} 5xx".
func (k StratumKey) String() string {
	return strings.Join(strings.Fields(k.Method+" "+k.Route+" "+k.Class), " ")
}

// OtherStratum is the route of all that is not told apart.
const OtherStratum = "other"

// MaxStrata is how many strata are told apart, beside that of the rest.
const MaxStrata = 64

// TrafficStratum counts the requests of one part of an experiment's traffic, since its evidence began.
// Requests that were sampled and did not become trials were dropped, or are in flight.
type TrafficStratum struct {
	StratumKey
	Requests int64 `json:"requests"`
	Sampled  int64 `json:"sampled"`
	Trials   int64 `json:"trials"`
	Rare     int64 `json:"rare"` // of those sampled, the ones that were because the stratum is rare
}

// Strata are what one source has counted of an experiment's traffic, part by part, since its evidence began.
type Strata struct {
	Experiment string
	Since      int
	Source     string
	Parts      []TrafficStratum
}

// sumStrata adds up what sources have counted, the most frequent first. Beyond MaxStrata all are one.
func sumStrata(all []Strata) (sum []TrafficStratum) {
	at := map[StratumKey]TrafficStratum{}
	for _, s := range all {
		for _, p := range s.Parts {
			at[p.StratumKey] = at[p.StratumKey].plus(p)
		}
	}
	for k, p := range at {
		p.StratumKey = k
		sum = append(sum, p)
	}
	slices.SortFunc(sum, func(a, b TrafficStratum) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), strings.Compare(a.String(), b.String()))
	})
	if len(sum) <= MaxStrata+1 {
		return sum
	}
	rest := TrafficStratum{StratumKey: StratumKey{Route: OtherStratum}}
	for _, p := range sum[MaxStrata:] {
		rest = rest.plus(p)
	}
	return append(sum[:MaxStrata], rest)
}

func (s TrafficStratum) plus(o TrafficStratum) TrafficStratum {
	s.Requests += o.Requests
	s.Sampled += o.Sampled
	s.Trials += o.Trials
	s.Rare += o.Rare
	return s
}
