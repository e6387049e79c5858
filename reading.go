package assay

import (
	"context"
	"time"
)

// NoiseSample is what the control and its secondary had at a path of one trial in which they differed there.
type NoiseSample struct {
	Path      string    `json:"path"` // array indexes folded to [*]
	Kind      Kind      `json:"kind"`
	Trial     string    `json:"trial"`
	Time      time.Time `json:"time"`
	Control   []string  `json:"control"`   // as Difference renders them, one for each index that the path stands for
	Secondary []string  `json:"secondary"` // likewise, in the same order
}

// ExcuseCount counts the trials of a candidate in which a rule excused a difference. Discordant pairs, on
// trials with a secondary, are those in which it excused one of exactly one of candidate and secondary.
type ExcuseCount struct {
	Arm           string    `json:"arm"`
	Rule          string    `json:"rule"` // as Difference.Ignored has it
	Hits          int64     `json:"hits"`
	CandidateOnly int64     `json:"candidate_only"`
	SecondaryOnly int64     `json:"secondary_only"`
	Last          time.Time `json:"last"` // the newest hit
}

// Place is a path with the kind of difference there, and what sort of value each side has.
type Place struct {
	Path      string `json:"path"` // array indexes folded to [*]
	Kind      Kind   `json:"kind"`
	Control   string `json:"control,omitempty"`   // "integer", "uuid", "object", …; "" if it has none
	Candidate string `json:"candidate,omitempty"` // likewise
}

// Signature is what mismatches of one candidate have in common that are likely to have one cause.
type Signature struct {
	Route    string  `json:"route"`    // "GET /orders/{id}"
	Statuses [2]int  `json:"statuses"` // the control's and the candidate's; 0 where there was none
	Places   []Place `json:"places"`   // without excuse, each once, in order
}

// ClusterState says what is thought of a cluster of mismatches.
type ClusterState string

// The states of a cluster. A cluster that is fixed and seen again is open again.
const (
	ClusterOpen     ClusterState = "open"
	ClusterAccepted ClusterState = "accepted" // known and meant; it still counts
	ClusterFixed    ClusterState = "fixed"    // said to be, or not seen for so long that it would have been
	ClusterExcused  ClusterState = "excused"  // not seen either, but a rule excuses what is at one of its places
)

// Cluster is the mismatches of one candidate that have one signature, over all versions of the experiment.
type Cluster struct {
	ID           string       `json:"id"` // of the signature
	Experiment   string       `json:"experiment"`
	Arm          string       `json:"candidate"`
	Signature    Signature    `json:"signature"`
	Count        int64        `json:"count"` // trials
	First        time.Time    `json:"first"`
	Last         time.Time    `json:"last"`
	FirstVersion int          `json:"first_version"`
	LastVersion  int          `json:"last_version"`
	Example      string       `json:"example"` // the newest trial
	Span         int64        `json:"span"`    // trials of the candidate from the first sight to the last
	Quiet        int64        `json:"quiet"`   // trials of the candidate since the last sight
	Returns      int64        `json:"returns"` // how often it came back after it had been fixed
	State        ClusterState `json:"state"`
	By           string       `json:"by,omitempty"`     // who said so; "" if the counts do
	Changed      time.Time    `json:"changed,omitzero"` // when
}

// StateRejected marks a proposal of a rule that nobody wants to see again.
const StateRejected = "rejected"

// Mark is what somebody said of a cluster, or of a proposal, at a time.
type Mark struct {
	Experiment string    `json:"experiment"`
	Arm        string    `json:"arm,omitempty"` // of a cluster; "" for a proposal
	ID         string    `json:"id"`            // of the cluster, or of the rule proposed
	State      string    `json:"state"`         // a ClusterState, or StateRejected
	By         string    `json:"by"`
	Time       time.Time `json:"time"`
}

// Readings is what a store keeps for people to read differences by, beside the counts.
type Readings interface {
	// Noise returns a bounded number of samples for each path and kind of all versions: the newest ones,
	// oldest first.
	Noise(ctx context.Context, experiment string) ([]NoiseSample, error)
	// Excuses returns the counts of each candidate and rule.
	Excuses(ctx context.Context, experiment string, since int) ([]ExcuseCount, error)
	// Clusters returns those of all versions, the newest last sight first. State, By and Changed are empty.
	Clusters(ctx context.Context, experiment string) ([]Cluster, error)
	// Marks returns the newest mark of each id.
	Marks(ctx context.Context, experiment string) ([]Mark, error)
	Mark(context.Context, Mark) error
}
