package deploy

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// aliases publishes a version and moves the aliases to it. AWS publishes nothing when nothing has changed
// since the last version.
func (c *Client) aliases(ctx context.Context, f Function, _ *lambda.GetFunctionOutput, r *Result) error {
	if len(f.Aliases) == 0 {
		return nil
	}
	if c.opts.Plan {
		return nil // what it would publish is not known
	}
	out, err := c.lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &f.Name})
	if err != nil {
		return err
	}
	if err := c.settled(ctx, f.Name); err != nil {
		return err
	}
	r.Version = aws.ToString(out.Version)
	for _, a := range f.Aliases {
		if err := c.alias(ctx, f, a, r); err != nil {
			return err
		}
		r.Aliases = append(r.Aliases, a.Name)
	}
	return nil
}

func (c *Client) alias(ctx context.Context, f Function, a Alias, r *Result) error {
	have, err := c.lambda.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &f.Name, Name: &a.Name})
	if err != nil && !missing(err) {
		return err
	}
	before := ""
	if err == nil {
		before = aws.ToString(have.FunctionVersion)
	}
	version, weights := a.at(r.Version, before)
	routing := &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights}
	if before == "" {
		r.change()
		c.opts.Progress("function " + f.Name + ": alias " + a.Name + " of version " + version)
		_, err := c.lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: &f.Name, Name: &a.Name, FunctionVersion: &version, RoutingConfig: routing})
		return err
	}
	now := map[string]float64{}
	if have.RoutingConfig != nil {
		now = have.RoutingConfig.AdditionalVersionWeights
	}
	if before == version && maps.Equal(now, weights) {
		return nil
	}
	r.change()
	c.opts.Progress("function " + f.Name + ": move alias " + a.Name + " to version " + version)
	_, err = c.lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: &f.Name, Name: &a.Name, FunctionVersion: &version, RoutingConfig: routing})
	return err
}

// at is the version and the weights that an alias should have, given the version deployed now and the one
// it has. A canary leaves it where it is, and gives the new version its share.
func (a Alias) at(deployed, before string) (version string, weights map[string]float64) {
	weights = map[string]float64{}
	if a.Share > 0 && a.Share < 1 && before != "" && before != deployed {
		weights[deployed] = a.Share
		return before, weights
	}
	version = a.Version
	if version == "" {
		version = deployed
	}
	for v, w := range a.Weights {
		if v == "" {
			v = deployed
		}
		if v != version {
			weights[v] = w
		}
	}
	return version, weights
}
