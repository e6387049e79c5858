package shape

import (
	"slices"

	"github.com/assaylab/assay"
)

// Cluster is a cluster of mismatches in the API.
type Cluster struct {
	assay.Cluster
	Removed bool `json:"candidate_removed,omitempty"` // the definition has its candidate no longer
}

// ClustersOf are an experiment's clusters, never nil.
func ClustersOf(e *assay.Experiment, clusters []assay.Cluster) []Cluster {
	all := []Cluster{}
	for _, k := range clusters {
		stands := slices.ContainsFunc(e.Candidates, func(a assay.Arm) bool { return a.Name == k.Arm })
		all = append(all, Cluster{k, !stands})
	}
	return all
}
