package awslambda

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/assaylab/assay"
)

// Alias is a name of a function whose invocations can be divided between two versions. Its calls fail with
// CodeUnreachable when AWS refuses or does not answer.
type Alias struct {
	*Function
	function, name string
}

// NewAlias prepares to shift an alias; nothing is called yet. It fails as New does, and when the ARN names
// no alias.
func NewAlias(ctx context.Context, o Options) (*Alias, error) {
	f, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	id, err := arn.Parse(o.ARN)
	if err != nil {
		return nil, err
	}
	function, name, ok := strings.Cut(strings.TrimPrefix(id.Resource, "function:"), ":")
	if !ok || name == "" {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("%q names no alias", o.ARN), Hint: "write arn:aws:lambda:REGION:ACCOUNT:function:NAME:ALIAS"}
	}
	return &Alias{f, function, name}, nil
}

// Leads tells which version the alias leads to, and the revision of that.
func (a *Alias) Leads(ctx context.Context) (version, revision string, err error) {
	now, err := a.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &a.function, Name: &a.name})
	if err != nil {
		return "", "", a.failed("read", err)
	}
	return aws.ToString(now.FunctionVersion), aws.ToString(now.RevisionId), nil
}

// Route lets the alias lead to a version, and to others by their shares, unless it is at another revision by
// now.
func (a *Alias) Route(ctx context.Context, revision, version string, others map[string]float64) error {
	_, err := a.client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName: &a.function, Name: &a.name, FunctionVersion: &version, RevisionId: &revision,
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: others},
	})
	if err != nil {
		return a.failed("shifted", err)
	}
	return nil
}

func (a *Alias) failed(what string, err error) error {
	return &assay.Error{
		Code: assay.CodeUnreachable, What: fmt.Sprintf("the alias cannot be %s: %v", what, err), Where: a.arn, Err: err,
		Hint: "it takes the permissions lambda:GetAlias and lambda:UpdateAlias",
	}
}
