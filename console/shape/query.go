package shape

import (
	"net/url"
	"strconv"

	"github.com/assaylab/assay"
)

// Query reads which trials of an experiment are asked for.
func Query(experiment string, form url.Values) (assay.Query, error) {
	q := assay.Query{
		Experiment: experiment, Outcome: assay.Outcome(form.Get("outcome")),
		Arm: form.Get("candidate"), Path: form.Get("path"), Cursor: form.Get("cursor"),
	}
	if q.Outcome != "" && q.Outcome != assay.OutcomeMatch && q.Outcome != assay.OutcomeMismatch {
		return q, Invalid("no such outcome", string(q.Outcome), `"match" or "mismatch"`)
	}
	if limit := form.Get("limit"); limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 || n > 500 {
			return q, Invalid("not a limit", limit, "a whole number from 1 to 500")
		}
		q.Limit = n
	}
	return q, nil
}

// Invalid is what is wrong with what a caller wrote.
func Invalid(what, where, hint string) *assay.Error {
	return &assay.Error{Code: assay.CodeInvalid, What: what, Where: where, Hint: hint}
}
