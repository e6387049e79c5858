package lambda

import (
	"cmp"
	"slices"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

// Inventory lists a function's versions, aliases and environments, and what it did in the last hour. It fails
// with CodeNotFound.
func (e *Engine) Inventory(name string) (assay.Inventory, error) {
	ref, ok := control.ParseReference(name)
	if !ok {
		return assay.Inventory{}, notFound(name)
	}
	versions, err := e.versionsOf(ref.Name)
	if err != nil {
		return assay.Inventory{}, notFound(name)
	}
	aliases, err := e.aliasesOf(ref.Name)
	if err != nil {
		return assay.Inventory{}, notFound(name)
	}
	environments, minutes := e.alive(ref.Name)
	return assay.Inventory{Versions: versions, Aliases: aliases, Environments: environments, Minutes: minutes}, nil
}

// versionsOf lists $LATEST, then the others, newest first.
func (e *Engine) versionsOf(name string) (all []assay.FunctionVersion, err error) {
	for marker := ""; ; {
		page, err := e.ListVersionsByFunction(name, marker, 0)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Versions {
			all = append(all, versionOf(c))
		}
		if marker = page.NextMarker; marker == "" {
			slices.Reverse(all[1:])
			return all, nil
		}
	}
}

func versionOf(c control.FunctionConfiguration) assay.FunctionVersion {
	v := assay.FunctionVersion{
		Version: c.Version, Description: c.Description, Runtime: c.Runtime, MemoryMB: c.MemorySize, Timeout: time.Duration(c.Timeout) * time.Second,
		CodeSHA256: c.CodeSha256, CodeSize: c.CodeSize,
	}
	v.LastModified, _ = time.Parse(control.StampLayout, c.LastModified) // ours
	return v
}

func (e *Engine) aliasesOf(name string) (all []assay.Alias, err error) {
	for marker := ""; ; {
		page, err := e.ListAliases(name, "", marker, 0)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Aliases {
			alias := assay.Alias{Name: a.Name, Version: a.FunctionVersion, Description: a.Description}
			if a.RoutingConfig != nil {
				alias.Weights = a.RoutingConfig.AdditionalVersionWeights
			}
			all = append(all, alias)
		}
		if marker = page.NextMarker; marker == "" {
			return all, nil
		}
	}
}

// alive lists a function's environments, and what its last minutes counted.
func (e *fleet) alive(name string) (all []assay.FunctionEnvironment, minutes []assay.FunctionMinute) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.functions[name]
	if f == nil {
		return nil, nil
	}
	for v := range e.environments {
		if v.function == f && !v.discounted {
			all = append(all, v.seen())
		}
	}
	slices.SortFunc(all, func(a, b assay.FunctionEnvironment) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Stream, b.Stream))
	})
	return all, f.hour.since(time.Now().Add(-assay.FunctionMinutes * time.Minute))
}

// seen is the environment as it is now. The fleet's lock is held.
func (v *environment) seen() assay.FunctionEnvironment {
	n := assay.FunctionEnvironment{
		Stream: v.stream, Version: v.version.number, State: assay.EnvironmentBusy, Began: v.began,
		MemoryMB: v.memoryMB, MaxMemoryMB: megabytes(v.peak.Load()),
	}
	switch {
	case v.kept:
		n.State = assay.EnvironmentStarting
	case slices.Contains(v.pool.idle, v):
		n.State, n.IdleSince = assay.EnvironmentIdle, v.idleSince
	}
	return n
}
