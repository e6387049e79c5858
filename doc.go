// Package assay holds the nouns of the laboratory and the doors between its rooms. It does nothing itself.
//
// Five nouns move through Assay, each a value that can be printed, stored and replayed:
//
//	Invocation -> Observation -> Trial -> Differences and Counts -> Verdict
//
// In comes nothing, out goes nothing: every other package imports this one, and it imports only the
// standard library.
package assay
