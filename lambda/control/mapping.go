package control

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"
)

// EventSourceMapping is AWS's EventSourceMappingConfiguration. Mappings are kept and returned; nothing
// polls their sources, which StateTransitionReason says.
type EventSourceMapping struct {
	UUID                  string
	EventSourceMappingArn string
	FunctionArn           string
	LastModified          Epoch
	LastProcessingResult  string
	State                 string // Creating, Enabled, Disabled, Updating, Deleting
	StateTransitionReason string
	MappingSettings
}

// MappingSettings are the members that a mapping takes as they are given.
type MappingSettings struct {
	EventSourceArn                      string          `json:",omitempty"`
	BatchSize                           *int            `json:",omitempty"`
	MaximumBatchingWindowInSeconds      *int            `json:",omitempty"`
	ParallelizationFactor               *int            `json:",omitempty"`
	StartingPosition                    string          `json:",omitempty"`
	StartingPositionTimestamp           json.RawMessage `json:",omitempty"`
	BisectBatchOnFunctionError          *bool           `json:",omitempty"`
	MaximumRecordAgeInSeconds           *int            `json:",omitempty"`
	MaximumRetryAttempts                *int            `json:",omitempty"`
	TumblingWindowInSeconds             *int            `json:",omitempty"`
	KMSKeyArn                           string          `json:",omitempty"`
	FunctionResponseTypes               json.RawMessage `json:",omitempty"`
	Topics                              json.RawMessage `json:",omitempty"`
	Queues                              json.RawMessage `json:",omitempty"`
	DestinationConfig                   json.RawMessage `json:",omitempty"`
	FilterCriteria                      json.RawMessage `json:",omitempty"`
	SourceAccessConfigurations          json.RawMessage `json:",omitempty"`
	SelfManagedEventSource              json.RawMessage `json:",omitempty"`
	AmazonManagedKafkaEventSourceConfig json.RawMessage `json:",omitempty"`
	SelfManagedKafkaEventSourceConfig   json.RawMessage `json:",omitempty"`
	DocumentDBEventSourceConfig         json.RawMessage `json:",omitempty"`
	ScalingConfig                       json.RawMessage `json:",omitempty"`
	MetricsConfig                       json.RawMessage `json:",omitempty"`
	ProvisionedPollerConfig             json.RawMessage `json:",omitempty"`
	LoggingConfig                       json.RawMessage `json:",omitempty"`
}

// EventSourceMappingInput is AWS's, of Create and Update.
type EventSourceMappingInput struct {
	FunctionName string
	Enabled      *bool
	MappingSettings
}

// ListEventSourceMappingsOutput is AWS's.
type ListEventSourceMappingsOutput struct {
	EventSourceMappings []EventSourceMapping
	NextMarker          string `json:",omitempty"`
}

// noPolling is said wherever AWS would tell why a mapping is as it is.
const noPolling = "USER_INITIATED: the embedded engine keeps event source mappings and does not poll them"

// CreateEventSourceMapping is AWS's.
func (p *Plane) CreateEventSourceMapping(in EventSourceMappingInput) (EventSourceMapping, error) {
	arn, err := p.mapped(in.FunctionName)
	if err != nil {
		return EventSourceMapping{}, err
	}
	if in.EventSourceArn == "" && in.SelfManagedEventSource == nil {
		return EventSourceMapping{}, invalid("Unrecognized event source.")
	}
	m := EventSourceMapping{
		UUID: uuid.NewString(), FunctionArn: arn, LastModified: Epoch{p.opts.Now()}, LastProcessingResult: "No records processed",
		State: "Enabled", StateTransitionReason: noPolling, MappingSettings: in.MappingSettings,
	}
	m.EventSourceMappingArn = arnOf("event-source-mapping:" + m.UUID)
	if in.Enabled != nil && !*in.Enabled {
		m.State = "Disabled"
	}
	for _, other := range p.allMappings() {
		if in.EventSourceArn != "" && other.EventSourceArn == in.EventSourceArn && other.FunctionArn == arn {
			return EventSourceMapping{}, conflict("An event source mapping with event source arn (\" %s \") and function (\" %s \") already exists. Please update or delete the existing mapping with UUID %s", in.EventSourceArn, in.FunctionName, other.UUID)
		}
	}
	answer := m
	answer.State = "Creating"
	return answer, p.keepMapping(m)
}

// mapped is the ARN of the function that a mapping names.
func (p *Plane) mapped(name string) (string, error) {
	ref, ok := ParseReference(name)
	if !ok {
		return "", unfit(name, "functionName", "Member must satisfy regular expression pattern: "+NamePattern)
	}
	if _, err := p.version(ref.Name, ref.Qualifier); err != nil {
		return "", &APIError{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: "Function does not exist"}
	}
	return ref.ARN(), nil
}

func (p *Plane) keepMapping(m EventSourceMapping) error {
	if err := p.saveMapping(m); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mappings[m.UUID] = m
	return nil
}

func (p *Plane) allMappings() []EventSourceMapping {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var all []EventSourceMapping
	for _, id := range slices.Sorted(maps.Keys(p.mappings)) {
		all = append(all, p.mappings[id])
	}
	return all
}

// GetEventSourceMapping is AWS's.
func (p *Plane) GetEventSourceMapping(uuid string) (EventSourceMapping, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	m, ok := p.mappings[uuid]
	if !ok {
		return m, gone()
	}
	return m, nil
}

// UpdateEventSourceMapping is AWS's: what in leaves out stays.
func (p *Plane) UpdateEventSourceMapping(uuid string, in EventSourceMappingInput) (EventSourceMapping, error) {
	m, err := p.GetEventSourceMapping(uuid)
	if err != nil {
		return m, err
	}
	if in.FunctionName != "" {
		if m.FunctionArn, err = p.mapped(in.FunctionName); err != nil {
			return EventSourceMapping{}, err
		}
	}
	source := m.EventSourceArn
	text, _ := json.Marshal(in.MappingSettings) // leaves out what is not given
	if err := json.Unmarshal(text, &m.MappingSettings); err != nil {
		return EventSourceMapping{}, err
	}
	m.EventSourceArn = cmp.Or(source, m.EventSourceArn) // cannot be changed
	if in.Enabled != nil {
		m.State = map[bool]string{true: "Enabled", false: "Disabled"}[*in.Enabled]
	}
	m.LastModified = Epoch{p.opts.Now()}
	answer := m
	answer.State = "Updating"
	return answer, p.keepMapping(m)
}

// DeleteEventSourceMapping is AWS's.
func (p *Plane) DeleteEventSourceMapping(uuid string) (EventSourceMapping, error) {
	m, err := p.GetEventSourceMapping(uuid)
	if err != nil {
		return m, err
	}
	if err := p.eraseMapping(uuid); err != nil {
		return m, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.mappings, uuid)
	m.State = "Deleting"
	return m, nil
}

// ListEventSourceMappings is AWS's: of one source or function, if they are given.
func (p *Plane) ListEventSourceMappings(source, function, marker string, max int) (ListEventSourceMappingsOutput, error) {
	arn := ""
	if function != "" {
		ref, ok := ParseReference(function)
		if !ok {
			return ListEventSourceMappingsOutput{}, unfit(function, "functionName", "Member must satisfy regular expression pattern: "+NamePattern)
		}
		arn = ref.ARN()
	}
	var list []EventSourceMapping
	for _, m := range p.allMappings() {
		if (source == "" || m.EventSourceArn == source) && (arn == "" || m.FunctionArn == arn) {
			list = append(list, m)
		}
	}
	page, next := Page(list, marker, max, 100)
	return ListEventSourceMappingsOutput{page, next}, nil
}
