package control

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// policy is the statements of a resource policy, in the order they were added.
type policy []Statement

// Statement is one of a resource policy, as IAM writes it.
type Statement struct {
	Sid       string
	Effect    string
	Principal any // "*", or what is allowed by kind: {"Service": "s3.amazonaws.com"}
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// AddPermissionInput is AWS's.
type AddPermissionInput struct {
	StatementId           string
	Action                string
	Principal             string
	SourceArn             string
	SourceAccount         string
	EventSourceToken      string
	RevisionId            string
	PrincipalOrgID        string
	FunctionUrlAuthType   string
	InvokedViaFunctionUrl *bool
}

// AddPermissionOutput is AWS's: the statement as JSON.
type AddPermissionOutput struct{ Statement string }

// GetPolicyOutput is AWS's: the policy as JSON.
type GetPolicyOutput struct {
	Policy     string
	RevisionId string
}

var (
	statementID = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,100}$`)
	accountID   = regexp.MustCompile(`^\d{12}$`)
	actions     = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)
)

// AddPermission is AWS's: the statement is kept and returned. The engine itself asks it for function
// URLs alone.
func (p *Plane) AddPermission(name, qualifier string, in AddPermissionInput) (AddPermissionOutput, error) {
	switch {
	case !statementID.MatchString(in.StatementId):
		return AddPermissionOutput{}, unfit(in.StatementId, "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)")
	case !actions.MatchString(in.Action):
		return AddPermissionOutput{}, unfit(in.Action, "action", "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])")
	case qualifier == Latest:
		return AddPermissionOutput{}, invalid("We currently do not support adding policies for $LATEST.")
	}
	s := in.statement(Reference{Name: name, Qualifier: qualifier}.ARN())
	err := p.change(name, func(r *record) error {
		if err := r.guard(qualifier, in.RevisionId, p); err != nil {
			return err
		}
		for _, other := range r.Policies[qualifier] {
			if other.Sid == s.Sid {
				return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", s.Sid)
			}
		}
		r.Policies[qualifier] = append(slices.Clone(r.Policies[qualifier]), s)
		r.touch(qualifier)
		return nil
	})
	return AddPermissionOutput{string(compact(s))}, err
}

func (in AddPermissionInput) statement(resource string) Statement {
	s := Statement{Sid: in.StatementId, Effect: "Allow", Action: in.Action, Resource: resource, Principal: in.Principal}
	switch {
	case accountID.MatchString(in.Principal):
		s.Principal = map[string]string{"AWS": "arn:aws:iam::" + in.Principal + ":root"}
	case strings.HasPrefix(in.Principal, "arn:"):
		s.Principal = map[string]string{"AWS": in.Principal}
	case in.Principal != "*":
		s.Principal = map[string]string{"Service": in.Principal}
	}
	condition := map[string]map[string]string{}
	when := func(operator, key, value string) {
		if value == "" {
			return
		}
		if condition[operator] == nil {
			condition[operator] = map[string]string{}
		}
		condition[operator][key] = value
	}
	when("StringEquals", "aws:SourceAccount", in.SourceAccount)
	when("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	when("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	when("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	when("ArnLike", "AWS:SourceArn", in.SourceArn)
	if in.InvokedViaFunctionUrl != nil {
		when("Bool", "lambda:InvokedViaFunctionUrl", fmt.Sprint(*in.InvokedViaFunctionUrl))
	}
	if len(condition) > 0 {
		s.Condition = condition
	}
	return s
}

// revision is the RevisionId of what a qualifier names. A policy has the one of its resource.
func (r *record) revision(qualifier string, p *Plane) (string, error) {
	if a, ok := r.Aliases[qualifier]; ok {
		return a.RevisionId, nil
	}
	v, err := r.version(qualifier)
	if err != nil {
		return "", err
	}
	return v.at(p.settled(v)).RevisionId, nil
}

// guard checks that there is what a qualifier names, and a RevisionId that may be given.
func (r *record) guard(qualifier, revision string, p *Plane) error {
	now, err := r.revision(qualifier, p)
	if err != nil {
		return err
	}
	if revision != "" && revision != now {
		return stale("GetPolicy")
	}
	return nil
}

// touch gives what a qualifier names a new RevisionId.
func (r *record) touch(qualifier string) {
	if a, ok := r.Aliases[qualifier]; ok {
		a.RevisionId = uuid.NewString()
		r.Aliases[qualifier] = a
		return
	}
	touched := func(v *Version) *Version {
		c := *v
		c.RevisionId, c.Settled = uuid.NewString(), uuid.NewString()
		return &c
	}
	if qualifier == "" || qualifier == Latest {
		r.Latest = touched(r.Latest)
		return
	}
	for i, v := range r.Versions {
		if v.Version == qualifier {
			r.Versions[i] = touched(v)
		}
	}
}

// RemovePermission is AWS's.
func (p *Plane) RemovePermission(name, qualifier, statement, revision string) error {
	return p.change(name, func(r *record) error {
		if err := r.guard(qualifier, revision, p); err != nil {
			return err
		}
		have := r.Policies[qualifier]
		if len(have) == 0 {
			return missing("No policy is associated with the given resource.")
		}
		left := slices.DeleteFunc(slices.Clone(have), func(s Statement) bool { return s.Sid == statement })
		if len(left) == len(have) {
			return missing("Statement %s is not found in resource policy.", statement)
		}
		r.Policies[qualifier] = left
		if len(left) == 0 {
			delete(r.Policies, qualifier)
		}
		r.touch(qualifier)
		return nil
	})
}

// GetPolicy is AWS's.
func (p *Plane) GetPolicy(name, qualifier string) (GetPolicyOutput, error) {
	r, err := p.find(name, qualifier)
	if err != nil {
		return GetPolicyOutput{}, err
	}
	revision, err := r.revision(qualifier, p)
	if err != nil {
		return GetPolicyOutput{}, err
	}
	if len(r.Policies[qualifier]) == 0 {
		return GetPolicyOutput{}, gone()
	}
	return GetPolicyOutput{Policy: string(compact(struct {
		Version   string
		Id        string
		Statement policy
	}{"2012-10-17", "default", r.Policies[qualifier]})), RevisionId: revision}, nil
}

// MayInvokeURL tells whether the policy lets everybody call the URL of a function or alias, which AWS
// asks of those with AuthType NONE.
func (p *Plane) MayInvokeURL(name, qualifier string) bool {
	r, err := p.find(name, qualifier)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(r.Policies[qualifier], func(s Statement) bool {
		auth := s.Condition["StringEquals"]["lambda:FunctionUrlAuthType"]
		return s.Principal == "*" && (auth == "" || auth == "NONE") &&
			slices.Contains([]string{"lambda:InvokeFunctionUrl", "lambda:*", "*"}, s.Action)
	})
}
