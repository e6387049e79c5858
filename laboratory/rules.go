package laboratory

import (
	"context"
	"slices"

	"github.com/assaylab/assay"
)

// AcceptRule implements console.Laboratory. A rule of the same class and path is replaced.
func (l *Laboratory) AcceptRule(ctx context.Context, name string, r assay.Rule) (assay.Experiment, error) {
	r.Accepted = l.now().UTC()
	if r.Expired(r.Accepted) {
		return assay.Experiment{}, invalid("the rule would have expired already", "choose a day that is still to come")
	}
	return l.edit(ctx, name, func(e *assay.Experiment) error {
		e.Rules = append(without(e.Rules, r.ID()), r)
		return nil
	})
}

// RemoveRule implements console.Laboratory.
func (l *Laboratory) RemoveRule(ctx context.Context, name, id string) (assay.Experiment, error) {
	return l.edit(ctx, name, func(e *assay.Experiment) error {
		rest := without(e.Rules, id)
		if len(rest) == len(e.Rules) {
			return &assay.Error{Code: assay.CodeNotFound, What: "no rule " + id + " is in force", Hint: "`assay rules " + name + "` lists them"}
		}
		e.Rules = rest
		return nil
	})
}

func without(rules []assay.Rule, id string) []assay.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r assay.Rule) bool { return r.ID() == id })
}

// withAccepted is the rules of a definition with those accepted live that it does not have.
func withAccepted(rules, live []assay.Rule) []assay.Rule {
	all := slices.Clone(rules)
	for _, r := range live {
		if !r.Accepted.IsZero() && len(without(all, r.ID())) == len(all) {
			all = append(all, r)
		}
	}
	return all
}
