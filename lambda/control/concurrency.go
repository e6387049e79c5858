package control

import (
	"maps"
	"net/http"
	"slices"
)

// provisionRequest is provisioned concurrency as it was asked for.
type provisionRequest struct {
	Executions   int    `json:"executions"`
	LastModified string `json:"last_modified"`
}

// Provision is how far the environments that were asked for are.
type Provision struct {
	Allocated int    // initialized
	Available int    // of them, not busy
	Failed    string // why they cannot be had, for example FUNCTION_ERROR_INIT_FAILURE; "" if they can
}

// ProvisionedConcurrencyConfig is AWS's.
type ProvisionedConcurrencyConfig struct {
	FunctionArn                              string `json:",omitempty"` // in lists alone
	RequestedProvisionedConcurrentExecutions int
	AvailableProvisionedConcurrentExecutions int
	AllocatedProvisionedConcurrentExecutions int
	Status                                   string // IN_PROGRESS, READY, FAILED
	StatusReason                             string `json:",omitempty"`
	LastModified                             string
}

// ListProvisionedConcurrencyConfigsOutput is AWS's.
type ListProvisionedConcurrencyConfigsOutput struct {
	ProvisionedConcurrencyConfigs []ProvisionedConcurrencyConfig
	NextMarker                    string `json:",omitempty"`
}

// PutFunctionConcurrency is AWS's: at least 100 of the account's 1,000 stay for functions that reserve
// nothing.
func (p *Plane) PutFunctionConcurrency(name string, executions int) (Concurrency, error) {
	if executions < 0 {
		return Concurrency{}, unfit(executions, "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	}
	p.accounts.Lock()
	defer p.accounts.Unlock()
	others := p.reservedBy(func(r *record) bool { return r.Name != name })
	err := p.change(name, func(r *record) error {
		if AccountConcurrency-others-executions < minUnreserved {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", minUnreserved)
		}
		if sum := r.provisioned(""); sum > executions {
			return invalid("ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", executions, sum)
		}
		r.Reserved = &executions
		return nil
	})
	return Concurrency{&executions}, err
}

// reservedBy sums what functions have reserved, and what the others have provisioned.
func (p *Plane) reservedBy(which func(*record) bool) (sum int) {
	for _, r := range p.records() {
		switch {
		case !which(r):
		case r.Reserved != nil:
			sum += *r.Reserved
		default:
			sum += r.provisioned("")
		}
	}
	return sum
}

// provisioned sums the executions of all configurations but one.
func (r *record) provisioned(but string) (sum int) {
	for qualifier, c := range r.Provisioned {
		if qualifier != but {
			sum += c.Executions
		}
	}
	return sum
}

// GetFunctionConcurrency is AWS's: without a reservation it is empty.
func (p *Plane) GetFunctionConcurrency(name string) (Concurrency, error) {
	r, err := p.find(name, "")
	if err != nil {
		return Concurrency{}, err
	}
	return Concurrency{r.Reserved}, nil
}

// DeleteFunctionConcurrency is AWS's.
func (p *Plane) DeleteFunctionConcurrency(name string) error {
	return p.change(name, func(r *record) error { r.Reserved = nil; return nil })
}

// Reserved is a function's reserved concurrency, if it has one.
func (p *Plane) Reserved(name string) (executions int, ok bool) {
	r, err := p.find(name, "")
	if err != nil || r.Reserved == nil {
		return 0, false
	}
	return *r.Reserved, true
}

// PutProvisionedConcurrencyConfig is AWS's, for a version or an alias.
func (p *Plane) PutProvisionedConcurrencyConfig(name, qualifier string, executions int) (out ProvisionedConcurrencyConfig, err error) {
	if executions < 1 {
		return out, unfit(executions, "provisionedConcurrentExecutions", "Member must have value greater than or equal to 1")
	}
	p.accounts.Lock()
	defer p.accounts.Unlock()
	others := p.reservedBy(func(r *record) bool { return r.Name != name })
	err = p.change(name, func(r *record) error {
		if err := r.mayProvision(qualifier, executions, AccountConcurrency-others); err != nil {
			return err
		}
		r.Provisioned[qualifier] = provisionRequest{executions, stamp(p.opts.Now())}
		return nil
	})
	return ProvisionedConcurrencyConfig{
		RequestedProvisionedConcurrentExecutions: executions, Status: "IN_PROGRESS", LastModified: stamp(p.opts.Now()),
	}, err
}

// mayProvision checks a configuration; free is what the account has left for this function.
func (r *record) mayProvision(qualifier string, executions, free int) error {
	if qualifier == "" || qualifier == Latest {
		return invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	v, err := r.version(qualifier)
	switch {
	case err != nil:
		return err
	case v.Version == Latest:
		return invalid("Alias with unpublished version cannot be used for Provisioned Concurrency configuration.")
	}
	if _, twice := r.Provisioned[v.Version]; twice && isAlias(qualifier) {
		return conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	}
	for other := range r.Provisioned {
		if a, ok := r.Aliases[other]; ok && !isAlias(qualifier) && a.FunctionVersion == qualifier {
			return conflict("Version is pointed by a Provisioned Concurrency alias")
		}
	}
	switch sum := r.provisioned(qualifier) + executions; {
	case r.Reserved != nil && sum > *r.Reserved:
		return invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	case r.Reserved == nil && sum > free-minUnreserved:
		return invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", max(free-minUnreserved, 0))
	}
	return nil
}

// GetProvisionedConcurrencyConfig is AWS's.
func (p *Plane) GetProvisionedConcurrencyConfig(name, qualifier string) (ProvisionedConcurrencyConfig, error) {
	r, err := p.find(name, qualifier)
	if err != nil {
		return ProvisionedConcurrencyConfig{}, err
	}
	if qualifier == "" || qualifier == Latest {
		return ProvisionedConcurrencyConfig{}, invalid("The function resource provided must be an alias or a published version.")
	}
	if _, err := r.version(qualifier); err != nil {
		return ProvisionedConcurrencyConfig{}, err
	}
	if _, ok := r.Provisioned[qualifier]; !ok {
		return ProvisionedConcurrencyConfig{}, &APIError{Status: http.StatusNotFound, Code: "ProvisionedConcurrencyConfigNotFoundException",
			Message: "No Provisioned Concurrency Config found for this function"}
	}
	return p.provisionedNow(r, qualifier), nil
}

func (p *Plane) provisionedNow(r *record, qualifier string) ProvisionedConcurrencyConfig {
	asked := r.Provisioned[qualifier]
	c := ProvisionedConcurrencyConfig{
		RequestedProvisionedConcurrentExecutions: asked.Executions, LastModified: asked.LastModified, Status: "IN_PROGRESS",
	}
	state := Provision{Allocated: asked.Executions, Available: asked.Executions}
	if v, err := r.version(qualifier); err == nil && p.opts.Provisioned != nil {
		state = p.opts.Provisioned(r.Name, v.Version)
	}
	c.AllocatedProvisionedConcurrentExecutions = min(state.Allocated, asked.Executions)
	c.AvailableProvisionedConcurrentExecutions = min(state.Available, asked.Executions)
	switch {
	case state.Failed != "":
		c.Status, c.StatusReason = "FAILED", state.Failed
	case state.Allocated >= asked.Executions:
		c.Status = "READY"
	}
	return c
}

// ListProvisionedConcurrencyConfigs is AWS's.
func (p *Plane) ListProvisionedConcurrencyConfigs(name, marker string, max int) (ListProvisionedConcurrencyConfigsOutput, error) {
	r, err := p.find(name, "")
	if err != nil {
		return ListProvisionedConcurrencyConfigsOutput{}, err
	}
	var list []ProvisionedConcurrencyConfig
	for _, qualifier := range slices.Sorted(maps.Keys(r.Provisioned)) {
		c := p.provisionedNow(r, qualifier)
		c.FunctionArn = Reference{Name: name, Qualifier: qualifier}.ARN()
		list = append(list, c)
	}
	page, next := Page(list, marker, max, 50)
	return ListProvisionedConcurrencyConfigsOutput{page, next}, nil
}

// DeleteProvisionedConcurrencyConfig is AWS's.
func (p *Plane) DeleteProvisionedConcurrencyConfig(name, qualifier string) error {
	if qualifier == "" || qualifier == Latest {
		return invalid("The function resource provided must be an alias or a published version.")
	}
	return p.change(name, func(r *record) error {
		if _, err := r.version(qualifier); err != nil {
			return err
		}
		delete(r.Provisioned, qualifier)
		return nil
	})
}

// Provisions are the environments that each version of a function is to have initialized, by number.
func (p *Plane) Provisions(name string) map[string]int {
	want := map[string]int{}
	r, err := p.find(name, "")
	if err != nil {
		return want
	}
	for qualifier, c := range r.Provisioned {
		if v, err := r.version(qualifier); err == nil {
			want[v.Version] += c.Executions
		}
	}
	return want
}
