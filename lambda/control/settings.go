package control

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Epoch is a time as AWS's API writes it in JSON: seconds since 1970, with a fraction.
type Epoch struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (e Epoch) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(e.UnixMilli()) / 1000)
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Epoch) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	e.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
	return nil
}

// ListTags is AWS's. arn is a function's, without a qualifier.
func (p *Plane) ListTags(arn string) (map[string]string, error) {
	name, err := tagged(arn)
	if err != nil {
		return nil, err
	}
	r, err := p.find(name, "")
	if err != nil {
		return nil, err
	}
	return cloned(r.Tags), nil
}

// maxTags is what AWS lets a function have.
const maxTags = 50

// TagResource is AWS's.
func (p *Plane) TagResource(arn string, tags map[string]string) error {
	name, err := tagged(arn)
	if err != nil {
		return err
	}
	return p.change(name, func(r *record) error {
		maps.Copy(r.Tags, tags)
		if len(r.Tags) > maxTags {
			return invalid("Number of tags exceeds resource tag limit.")
		}
		return nil
	})
}

// UntagResource is AWS's.
func (p *Plane) UntagResource(arn string, keys []string) error {
	name, err := tagged(arn)
	if err != nil {
		return err
	}
	return p.change(name, func(r *record) error {
		maps.DeleteFunc(r.Tags, func(key, _ string) bool { return slices.Contains(keys, key) })
		return nil
	})
}

// tagged is the function that an ARN names as a resource with tags.
func tagged(arn string) (string, error) {
	ref, ok := ParseReference(arn)
	switch {
	case !ok || !strings.HasPrefix(arn, "arn:"):
		return "", unfit(arn, "resource", "Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12})")
	case ref.Qualifier != "":
		return "", invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return ref.Name, nil
}

// DestinationConfig is AWS's.
type DestinationConfig struct {
	OnSuccess *Destination `json:",omitempty"`
	OnFailure *Destination `json:",omitempty"`
}

// Destination is AWS's: the ARN of another function, or a file queue as arn:aws:file:::NAME (see
// docs/engine.md).
type Destination struct {
	Destination string `json:",omitempty"`
}

// EventInvokeConfig is AWS's FunctionEventInvokeConfig.
type EventInvokeConfig struct {
	FunctionArn              string
	LastModified             Epoch
	MaximumRetryAttempts     *int               `json:",omitempty"` // 0 to 2
	MaximumEventAgeInSeconds *int               `json:",omitempty"` // 60 to 21,600
	DestinationConfig        *DestinationConfig `json:",omitempty"`
}

// EventInvokeConfigInput is AWS's.
type EventInvokeConfigInput struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *DestinationConfig
}

// ListFunctionEventInvokeConfigsOutput is AWS's.
type ListFunctionEventInvokeConfigsOutput struct {
	FunctionEventInvokeConfigs []EventInvokeConfig
	NextMarker                 string `json:",omitempty"`
}

// PutFunctionEventInvokeConfig is AWS's: it replaces the configuration.
func (p *Plane) PutFunctionEventInvokeConfig(name, qualifier string, in EventInvokeConfigInput) (EventInvokeConfig, error) {
	return p.setEvents(name, qualifier, in, false)
}

// UpdateFunctionEventInvokeConfig is AWS's: what in leaves out stays.
func (p *Plane) UpdateFunctionEventInvokeConfig(name, qualifier string, in EventInvokeConfigInput) (EventInvokeConfig, error) {
	return p.setEvents(name, qualifier, in, true)
}

func (p *Plane) setEvents(name, qualifier string, in EventInvokeConfigInput, update bool) (c EventInvokeConfig, err error) {
	if err := in.check(); err != nil {
		return c, err
	}
	err = p.change(name, func(r *record) error {
		if _, err := r.version(qualifier); err != nil {
			return noFunction(name, qualifier)
		}
		key := orLatest(qualifier)
		before, ok := r.Events[key]
		if update && !ok {
			return noEvents(name, key)
		}
		if update {
			c = before
		}
		c.FunctionArn, c.LastModified = Reference{Name: name, Qualifier: key}.ARN(), Epoch{p.opts.Now()}
		if in.MaximumRetryAttempts != nil {
			c.MaximumRetryAttempts = in.MaximumRetryAttempts
		}
		if in.MaximumEventAgeInSeconds != nil {
			c.MaximumEventAgeInSeconds = in.MaximumEventAgeInSeconds
		}
		if in.DestinationConfig != nil {
			c.DestinationConfig = in.DestinationConfig
		}
		if c.DestinationConfig == nil {
			c.DestinationConfig = &DestinationConfig{OnSuccess: &Destination{}, OnFailure: &Destination{}}
		}
		r.Events[key] = c
		return nil
	})
	return c, err
}

func orLatest(qualifier string) string {
	if qualifier == "" {
		return Latest
	}
	return qualifier
}

func noEvents(name, qualifier string) error {
	return missing("The function %s doesn't have an EventInvokeConfig", Reference{Name: name, Qualifier: qualifier}.ARN())
}

func (in EventInvokeConfigInput) check() error {
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return invalid("You must specify at least one of error handling or destination setting.")
	}
	if n := in.MaximumRetryAttempts; n != nil && *n < 0 {
		return unfit(*n, "maximumRetryAttempts", "Member must have value greater than or equal to 0")
	} else if n != nil && *n > 2 {
		return unfit(*n, "maximumRetryAttempts", "Member must have value less than or equal to 2")
	}
	if n := in.MaximumEventAgeInSeconds; n != nil && *n < 60 {
		return unfit(*n, "maximumEventAgeInSeconds", "Member must have value greater than or equal to 60")
	} else if n != nil && *n > 21600 {
		return unfit(*n, "maximumEventAgeInSeconds", "Member must have value less than or equal to 21600")
	}
	if in.DestinationConfig == nil {
		return nil
	}
	for _, d := range []*Destination{in.DestinationConfig.OnSuccess, in.DestinationConfig.OnFailure} {
		if d != nil && d.Destination != "" {
			if err := checkDestination(d.Destination); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileQueue is an ARN of our own, which AWS's clients take for one: a file in the engine's folder queues.
var fileQueue = regexp.MustCompile(`^arn:aws:file:::([a-zA-Z0-9-_]{1,80})$`)

// FileQueue is the name in a destination arn:aws:file:::NAME.
func FileQueue(destination string) (name string, ok bool) {
	m := fileQueue.FindStringSubmatch(destination)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// checkDestination takes other functions and file queues. The engine has no other services.
func checkDestination(arn string) error {
	if _, ok := FileQueue(arn); ok {
		return nil
	}
	if ref, ok := ParseReference(arn); ok && strings.HasPrefix(arn, "arn:") && ref.Name != "" {
		return nil
	}
	for _, service := range []string{"sqs", "sns", "events", "s3", "kafka"} {
		if strings.HasPrefix(arn, "arn:aws:"+service+":") {
			return invalid("The provided destination config DestinationArn %s is invalid: the embedded engine has no %s. Name another function's ARN, or a file queue as arn:aws:file:::NAME.", arn, strings.ToUpper(service))
		}
	}
	return invalid("The provided destination config DestinationArn %s is invalid. Name another function's ARN, or a file queue as arn:aws:file:::NAME.", arn)
}

// GetFunctionEventInvokeConfig is AWS's.
func (p *Plane) GetFunctionEventInvokeConfig(name, qualifier string) (EventInvokeConfig, error) {
	key := orLatest(qualifier)
	r, err := p.find(name, qualifier)
	if err != nil {
		return EventInvokeConfig{}, noEvents(name, key)
	}
	c, ok := r.Events[key]
	if !ok {
		return EventInvokeConfig{}, noEvents(name, key)
	}
	return c, nil
}

// ListFunctionEventInvokeConfigs is AWS's.
func (p *Plane) ListFunctionEventInvokeConfigs(name, marker string, max int) (ListFunctionEventInvokeConfigsOutput, error) {
	r, err := p.find(name, "")
	if err != nil {
		return ListFunctionEventInvokeConfigsOutput{}, err
	}
	var list []EventInvokeConfig
	for _, key := range slices.Sorted(maps.Keys(r.Events)) {
		list = append(list, r.Events[key])
	}
	page, next := Page(list, marker, max, 50)
	return ListFunctionEventInvokeConfigsOutput{page, next}, nil
}

// DeleteFunctionEventInvokeConfig is AWS's.
func (p *Plane) DeleteFunctionEventInvokeConfig(name, qualifier string) error {
	key := orLatest(qualifier)
	return p.change(name, func(r *record) error {
		if _, ok := r.Events[key]; !ok {
			return noEvents(name, key)
		}
		delete(r.Events, key)
		return nil
	})
}

// RuntimeManagement is AWS's RuntimeManagementConfig.
type RuntimeManagement struct {
	FunctionArn       string
	UpdateRuntimeOn   string  // Auto, FunctionUpdate, Manual
	RuntimeVersionArn *string `json:",omitempty"`
}

// GetRuntimeManagementConfig is AWS's.
func (p *Plane) GetRuntimeManagementConfig(name, qualifier string) (RuntimeManagement, error) {
	r, err := p.find(name, qualifier)
	if err != nil {
		return RuntimeManagement{}, err
	}
	if _, err := r.version(qualifier); err != nil {
		return RuntimeManagement{}, err
	}
	if c, ok := r.Runtimes[orLatest(qualifier)]; ok {
		return c, nil
	}
	return RuntimeManagement{FunctionArn: Reference{Name: name, Qualifier: qualifier}.ARN(), UpdateRuntimeOn: "Auto"}, nil
}

// PutRuntimeManagementConfig is AWS's: it is kept and returned; the runtime is the machine's.
func (p *Plane) PutRuntimeManagementConfig(name, qualifier, on string, arn *string) (c RuntimeManagement, err error) {
	switch {
	case on != "Auto" && on != "FunctionUpdate" && on != "Manual":
		return c, unfit(on, "updateRuntimeOn", "Member must satisfy enum value set: [Auto, FunctionUpdate, Manual]")
	case on == "Manual" && arn == nil:
		return c, invalid("RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
	case on != "Manual" && arn != nil:
		return c, invalid("RuntimeVersionArn can only be set when UpdateRuntimeOn is Manual.")
	}
	c = RuntimeManagement{FunctionArn: Reference{Name: name, Qualifier: qualifier}.ARN(), UpdateRuntimeOn: on, RuntimeVersionArn: arn}
	err = p.change(name, func(r *record) error {
		if _, err := r.version(qualifier); err != nil {
			return err
		}
		r.Runtimes[orLatest(qualifier)] = c
		return nil
	})
	return c, err
}

// GetFunctionRecursionConfig is AWS's: Terminate unless set.
func (p *Plane) GetFunctionRecursionConfig(name string) (loop string, err error) {
	r, err := p.find(name, "")
	if err != nil {
		return "", err
	}
	if r.Recursion == "" {
		return "Terminate", nil
	}
	return r.Recursion, nil
}

// PutFunctionRecursionConfig is AWS's: with Terminate, events that are destinations of each other end after 16.
func (p *Plane) PutFunctionRecursionConfig(name, loop string) error {
	if loop != "Allow" && loop != "Terminate" {
		return unfit(loop, "recursiveLoop", "Member must satisfy enum value set: [Allow, Terminate]")
	}
	return p.change(name, func(r *record) error { r.Recursion = loop; return nil })
}

// CodeSigning is AWS's GetFunctionCodeSigningConfigOutput: no function has such a configuration.
type CodeSigning struct {
	CodeSigningConfigArn string `json:",omitempty"`
	FunctionName         string
}

// GetFunctionCodeSigningConfig is AWS's.
func (p *Plane) GetFunctionCodeSigningConfig(name string) (CodeSigning, error) {
	_, err := p.find(name, "")
	return CodeSigning{FunctionName: name}, err
}

// AccountSettings is AWS's GetAccountSettingsOutput.
type AccountSettings struct {
	AccountLimit AccountLimit
	AccountUsage AccountUsage
}

// AccountLimit is AWS's.
type AccountLimit struct {
	TotalCodeSize                  int64
	CodeSizeUnzipped               int64
	CodeSizeZipped                 int64
	ConcurrentExecutions           int
	UnreservedConcurrentExecutions int
}

// AccountUsage is AWS's.
type AccountUsage struct {
	TotalCodeSize int64 // of all versions of functions and layers
	FunctionCount int64
}

// GetAccountSettings is AWS's.
func (p *Plane) GetAccountSettings() AccountSettings {
	var usage AccountUsage
	for _, r := range p.records() {
		usage.FunctionCount++
		usage.TotalCodeSize += r.Latest.CodeSize
		for _, v := range r.Versions {
			usage.TotalCodeSize += v.CodeSize
		}
	}
	for _, l := range p.allLayers() {
		for _, v := range p.layerVersions(l) {
			usage.TotalCodeSize += v.Content.CodeSize
		}
	}
	reserved := p.reservedBy(func(r *record) bool { return r.Reserved != nil })
	return AccountSettings{AccountLimit{
		TotalCodeSize: maxAccountCode, CodeSizeUnzipped: 262144000, CodeSizeZipped: 52428800,
		ConcurrentExecutions: AccountConcurrency, UnreservedConcurrentExecutions: AccountConcurrency - reserved,
	}, usage}
}
