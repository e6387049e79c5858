package control

import (
	"slices"
	"strconv"
	"strings"
)

// alias tells whether a qualifier can only be an alias.
func isAlias(qualifier string) bool {
	return qualifier != "" && qualifier != Latest && !number.MatchString(qualifier)
}

// published is a version by its number.
func (r *record) published(n string) *Version {
	i := slices.IndexFunc(r.Versions, func(v *Version) bool { return v.Version == n })
	if i < 0 {
		return nil
	}
	return r.Versions[i]
}

// version is what a qualifier names; of an alias, the version that it points to.
func (r *record) version(qualifier string) (*Version, error) {
	if qualifier == "" || qualifier == Latest {
		return r.Latest, nil
	}
	n := qualifier
	if a, ok := r.Aliases[qualifier]; ok {
		n = a.FunctionVersion
	}
	if n == Latest {
		return r.Latest, nil
	}
	if v := r.published(n); v != nil {
		return v, nil
	}
	if isAlias(qualifier) {
		return nil, missing("Cannot find alias arn: %s", Reference{Name: r.Name, Qualifier: qualifier}.ARN())
	}
	return nil, noFunction(r.Name, qualifier)
}

func (p *Plane) version(name, qualifier string) (*Version, error) {
	r, err := p.find(name, qualifier)
	if err != nil {
		return nil, err
	}
	return r.version(qualifier)
}

// Version is what a qualifier names: for an alias the version it points to, without its routing. It
// fails with an *APIError.
func (p *Plane) Version(name, qualifier string) (*Version, error) { return p.version(name, qualifier) }

// Resolve is the version that one invocation of name and qualifier runs. An alias with routing sends
// its weight's share to the other version: random gives a number in [0, 1), and is asked only then. It
// fails with an *APIError.
func (p *Plane) Resolve(name, qualifier string, random func() float64) (*Version, error) {
	r, err := p.find(name, qualifier)
	if err != nil {
		return nil, err
	}
	a, ok := r.Aliases[qualifier]
	if !ok || a.RoutingConfig == nil {
		v, err := r.version(qualifier)
		if err != nil {
			return nil, noFunction(name, qualifier) // Invoke says so of aliases too
		}
		return v, nil
	}
	at := random()
	for other, weight := range a.RoutingConfig.AdditionalVersionWeights { // there is one
		if at < weight {
			return r.version(other)
		}
	}
	return r.version(a.FunctionVersion)
}

// Names lists the functions, sorted.
func (p *Plane) Names() []string {
	var names []string
	for _, r := range p.records() {
		names = append(names, r.Name)
	}
	return names
}

// GetFunctionConfiguration is AWS's.
func (p *Plane) GetFunctionConfiguration(name, qualifier string) (FunctionConfiguration, error) {
	v, err := p.version(name, qualifier)
	if err != nil {
		return FunctionConfiguration{}, err
	}
	return p.describe(v, qualifier), nil
}

// describe is a version as it is read now. Its ARN has the qualifier it was asked for with.
func (p *Plane) describe(v *Version, qualifier string) FunctionConfiguration {
	c := v.at(p.settled(v))
	if qualifier != "" {
		c.FunctionArn = Reference{Name: v.FunctionName, Qualifier: qualifier}.ARN()
	}
	return c
}

func (p *Plane) settled(v *Version) bool { return !p.opts.Now().Before(v.Settles) }

// at is the configuration with the states it has while it settles, or after.
func (v *Version) at(settled bool) FunctionConfiguration {
	c := v.FunctionConfiguration
	const reason, code = "The function is being created.", "Creating"
	switch {
	case settled:
		c.State, c.LastUpdateStatus, c.RevisionId = "Active", "Successful", v.Settled
	case v.Created:
		c.State, c.StateReason, c.StateReasonCode = "Pending", reason, code
	default:
		c.State, c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = "Active", "InProgress", reason, code
	}
	return c
}

// GetFunction is AWS's, without the Code's Location.
func (p *Plane) GetFunction(name, qualifier string) (GetFunctionOutput, error) {
	r, err := p.find(name, qualifier)
	if err != nil {
		return GetFunctionOutput{}, err
	}
	v, err := r.version(qualifier)
	if err != nil {
		return GetFunctionOutput{}, noFunction(name, qualifier)
	}
	out := GetFunctionOutput{Configuration: p.describe(v, qualifier), Code: FunctionCodeLocation{RepositoryType: "S3"}}
	if qualifier != "" {
		return out, nil
	}
	if len(r.Tags) > 0 {
		out.Tags = r.Tags
	}
	if r.Reserved != nil {
		out.Concurrency = &Concurrency{r.Reserved}
	}
	return out, nil
}

// ListFunctions is AWS's: by name, 50 a page at most. With all, the published versions as well
// (FunctionVersion=ALL).
func (p *Plane) ListFunctions(marker string, max int, all bool) ListFunctionsOutput {
	var list []FunctionConfiguration
	for _, r := range p.records() {
		if !all {
			list = append(list, p.describe(r.Latest, ""))
			continue
		}
		for _, v := range append([]*Version{r.Latest}, r.Versions...) {
			list = append(list, p.describe(v, v.Version))
		}
	}
	page, next := Page(list, marker, max, 50)
	return ListFunctionsOutput{page, next}
}

// ListVersionsByFunction is AWS's: $LATEST first, then by number.
func (p *Plane) ListVersionsByFunction(name, marker string, max int) (ListVersionsByFunctionOutput, error) {
	r, err := p.find(name, "")
	if err != nil {
		return ListVersionsByFunctionOutput{}, err
	}
	list := []FunctionConfiguration{p.describe(r.Latest, Latest)}
	for _, v := range r.Versions {
		list = append(list, p.describe(v, v.Version))
	}
	page, next := Page(list, marker, max, 50)
	return ListVersionsByFunctionOutput{page, next}, nil
}

// Page cuts one page out of a list: from marker on, which is what the page before gave as next, with
// max items (cap of them if max is not within 1 and cap). It never is nil. A marker that is no page's
// begins anew.
func Page[T any](list []T, marker string, max, cap int) (page []T, next string) {
	if max < 1 || max > cap {
		max = cap
	}
	from, err := strconv.Atoi(strings.TrimPrefix(marker, "page-"))
	if err != nil || from < 0 || from > len(list) {
		from = 0
	}
	to := min(from+max, len(list))
	if to < len(list) {
		next = "page-" + strconv.Itoa(to)
	}
	return append([]T{}, list[from:to]...), next
}
