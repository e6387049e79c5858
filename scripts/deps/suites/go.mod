module assaylab.invalid/suites

go 1.26

// A module whose tests assay test runs as go test does.
require github.com/theory/jsonpath v0.10.0
