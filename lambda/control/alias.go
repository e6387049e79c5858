package control

import (
	"maps"
	"slices"

	"github.com/google/uuid"
)

// Alias is AWS's AliasConfiguration.
type Alias struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string
	RoutingConfig   *RoutingConfig `json:",omitempty"`
	RevisionId      string
}

// RoutingConfig is AWS's: the share of invocations that another version gets, from 0 to 1. AWS takes
// one other version.
type RoutingConfig struct{ AdditionalVersionWeights map[string]float64 }

// CreateAliasInput is AWS's.
type CreateAliasInput struct {
	Name            string
	FunctionVersion string
	Description     string
	RoutingConfig   *RoutingConfig
}

// UpdateAliasInput is AWS's: what is nil or "" stays as it is. Empty weights end the routing.
type UpdateAliasInput struct {
	FunctionVersion string
	Description     *string
	RoutingConfig   *RoutingConfig
	RevisionId      string
}

// ListAliasesOutput is AWS's.
type ListAliasesOutput struct {
	Aliases    []Alias
	NextMarker string `json:",omitempty"`
}

// CreateAlias is AWS's.
func (p *Plane) CreateAlias(name string, in CreateAliasInput) (a Alias, err error) {
	if !plainName.MatchString(in.Name) || number.MatchString(in.Name) {
		return Alias{}, unfit(in.Name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")
	}
	a = Alias{
		AliasArn: Reference{Name: name, Qualifier: in.Name}.ARN(), Name: in.Name, FunctionVersion: in.FunctionVersion,
		Description: in.Description, RoutingConfig: in.RoutingConfig, RevisionId: uuid.NewString(),
	}
	err = p.change(name, func(r *record) error {
		if _, taken := r.Aliases[in.Name]; taken {
			return conflict("Alias already exists: %s", a.AliasArn)
		}
		if err := a.check(r); err != nil {
			return err
		}
		r.Aliases[in.Name] = a
		return nil
	})
	return a, err
}

// check looks at what an alias points to; no weights are no routing.
func (a *Alias) check(r *record) error {
	if a.FunctionVersion != Latest && r.published(a.FunctionVersion) == nil {
		return noFunction(r.Name, a.FunctionVersion)
	}
	if a.RoutingConfig == nil || len(a.RoutingConfig.AdditionalVersionWeights) == 0 {
		a.RoutingConfig = nil
		return nil
	}
	weights := a.RoutingConfig.AdditionalVersionWeights
	if len(weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for other, weight := range weights {
		switch {
		case weight < 0 || weight > 1:
			return unfit(routing(weights), "routingConfig.additionalVersionWeights", "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]")
		case a.FunctionVersion == Latest || other == Latest:
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case !number.MatchString(other):
			return unfit(routing(weights), "routingConfig.additionalVersionWeights", `Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]`)
		case other == a.FunctionVersion:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", other, other)
		case r.published(other) == nil:
			return noFunction(r.Name, other)
		}
	}
	return nil
}

// GetAlias is AWS's.
func (p *Plane) GetAlias(name, alias string) (Alias, error) {
	r, err := p.find(name, "")
	if err != nil {
		return Alias{}, noAlias(name, alias)
	}
	if a, ok := r.Aliases[alias]; ok {
		return a, nil
	}
	return Alias{}, noAlias(name, alias)
}

func noAlias(name, alias string) error {
	return missing("Cannot find alias arn: %s", Reference{Name: name, Qualifier: alias}.ARN())
}

// UpdateAlias is AWS's.
func (p *Plane) UpdateAlias(name, alias string, in UpdateAliasInput) (a Alias, err error) {
	err = p.change(name, func(r *record) error {
		var ok bool
		if a, ok = r.Aliases[alias]; !ok {
			return noAlias(name, alias)
		}
		if in.RevisionId != "" && in.RevisionId != a.RevisionId {
			return stale("GetFunction/GetAlias")
		}
		set(&a.Description, in.Description)
		if in.FunctionVersion != "" {
			a.FunctionVersion = in.FunctionVersion
		}
		if in.RoutingConfig != nil {
			a.RoutingConfig = in.RoutingConfig
		}
		if err := a.check(r); err != nil {
			return err
		}
		a.RevisionId = uuid.NewString()
		r.Aliases[alias] = a
		return nil
	})
	return a, err
}

// DeleteAlias is AWS's: an alias that is not there is deleted too.
func (p *Plane) DeleteAlias(name, alias string) error {
	return p.change(name, func(r *record) error {
		if r.Provisioned[alias].Executions > 0 {
			delete(r.Provisioned, alias)
		}
		delete(r.Aliases, alias)
		delete(r.Policies, alias)
		delete(r.Events, alias)
		delete(r.URLs, alias)
		return nil
	})
}

// ListAliases is AWS's: by name; of one version, if it is given.
func (p *Plane) ListAliases(name, version, marker string, max int) (ListAliasesOutput, error) {
	r, err := p.find(name, "")
	if err != nil {
		return ListAliasesOutput{}, err
	}
	var list []Alias
	for _, key := range slices.Sorted(maps.Keys(r.Aliases)) {
		if a := r.Aliases[key]; version == "" || version == a.FunctionVersion {
			list = append(list, a)
		}
	}
	page, next := Page(list, marker, max, 10000)
	return ListAliasesOutput{page, next}, nil
}

// routing writes weights as AWS quotes them: {1=0.5}.
func routing(weights map[string]float64) string {
	text := "{"
	for i, other := range slices.Sorted(maps.Keys(weights)) {
		if i > 0 {
			text += ", "
		}
		text += other + "=" + string(compact(weights[other]))
	}
	return text + "}"
}
