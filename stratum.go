package assay

import "strings"

// StratumKey names a part of an experiment's requests. The zero value of a field stands for what is not told
// apart, or not known.
type StratumKey struct {
	Method string `json:"method,omitempty"`
	Route  string `json:"route"`           // the path, with "{}" for what varies; "other" for all that is not told apart
	Class  string `json:"class,omitempty"` // of the control's answer: "2xx", …, or "fault"; "" where it was not looked at
}

// String writes it for people: "GET /users/{} 5xx".
func (k StratumKey) String() string {
	return strings.Join(strings.Fields(k.Method+" "+k.Route+" "+k.Class), " ")
}

// TrafficStratum counts the requests of one part of an experiment's traffic, since the laboratory started.
// Requests that were sampled and did not become trials were dropped, or are in flight.
type TrafficStratum struct {
	StratumKey
	Requests int64 `json:"requests"`
	Sampled  int64 `json:"sampled"`
	Trials   int64 `json:"trials"`
	Rare     int64 `json:"rare"` // of those sampled, the ones that were because the stratum is rare
}
