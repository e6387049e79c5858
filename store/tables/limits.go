package tables

const (
	// maxPaths is how many paths are counted apart for each arm; what differs elsewhere is counted as
	// otherPath. Answers with keys that are never the same would otherwise make a row each.
	maxPaths = 500
	// maxPath is the longest path counted apart, in bytes.
	maxPath   = 512
	otherPath = "other"
)
