package control

import (
	"encoding/json"
	"time"

	"github.com/assaylab/assay"
)

// FunctionConfiguration is AWS's. Members that the engine does not act on are kept and returned as they
// were given.
type FunctionConfiguration struct {
	FunctionName               string                `json:",omitempty"`
	FunctionArn                string                `json:",omitempty"`
	Runtime                    string                `json:",omitempty"`
	Role                       string                `json:",omitempty"`
	Handler                    string                `json:",omitempty"`
	CodeSize                   int64                 // bytes of the zip
	Description                string                // always there
	Timeout                    int                   // seconds, rounded up
	MemorySize                 int                   // MB
	LastModified               string                `json:",omitempty"`
	CodeSha256                 string                `json:",omitempty"` // base64, of the zip
	Version                    string                `json:",omitempty"`
	VpcConfig                  json.RawMessage       `json:",omitempty"`
	DeadLetterConfig           *DeadLetterConfig     `json:",omitempty"`
	Environment                *EnvironmentResponse  `json:",omitempty"`
	KMSKeyArn                  string                `json:",omitempty"`
	TracingConfig              *TracingConfig        `json:",omitempty"`
	RevisionId                 string                `json:",omitempty"`
	Layers                     []Layer               `json:",omitempty"`
	State                      string                `json:",omitempty"` // Pending, Active, Inactive, Failed
	StateReason                string                `json:",omitempty"`
	StateReasonCode            string                `json:",omitempty"`
	LastUpdateStatus           string                `json:",omitempty"` // Successful, InProgress, Failed
	LastUpdateStatusReason     string                `json:",omitempty"`
	LastUpdateStatusReasonCode string                `json:",omitempty"`
	FileSystemConfigs          json.RawMessage       `json:",omitempty"`
	PackageType                string                `json:",omitempty"`
	Architectures              []string              `json:",omitempty"`
	EphemeralStorage           *EphemeralStorage     `json:",omitempty"`
	SnapStart                  *SnapStart            `json:",omitempty"`
	RuntimeVersionConfig       *RuntimeVersionConfig `json:",omitempty"`
	LoggingConfig              *LoggingConfig        `json:",omitempty"`
}

// Environment is AWS's.
type Environment struct{ Variables map[string]string }

// EnvironmentResponse is AWS's.
type EnvironmentResponse struct{ Variables map[string]string }

// DeadLetterConfig is AWS's. An empty TargetArn removes it.
type DeadLetterConfig struct{ TargetArn string }

// TracingConfig is AWS's: PassThrough or Active.
type TracingConfig struct{ Mode string }

// EphemeralStorage is AWS's: the size of /tmp in MB, 512 to 10,240.
type EphemeralStorage struct{ Size int }

// SnapStart is AWS's; the engine takes None alone.
type SnapStart struct {
	ApplyOn            string
	OptimizationStatus string `json:",omitempty"`
}

// RuntimeVersionConfig is AWS's.
type RuntimeVersionConfig struct{ RuntimeVersionArn string }

// LoggingConfig is AWS's.
type LoggingConfig struct {
	LogFormat           string `json:",omitempty"`
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
	LogGroup            string `json:",omitempty"`
}

// Layer is a layer's version as a function lists it.
type Layer struct {
	Arn      string
	CodeSize int64
}

// CreateFunctionInput is AWS's. Code.ZipFile is the zip itself.
type CreateFunctionInput struct {
	FunctionName      string
	Runtime           string
	Role              string
	Handler           string
	Code              FunctionCode
	Description       string
	Timeout           *int
	MemorySize        *int
	Publish           bool
	VpcConfig         json.RawMessage
	PackageType       string
	DeadLetterConfig  *DeadLetterConfig
	Environment       *Environment
	KMSKeyArn         string
	TracingConfig     *TracingConfig
	Tags              map[string]string
	Layers            []string
	FileSystemConfigs json.RawMessage
	Architectures     []string
	EphemeralStorage  *EphemeralStorage
	SnapStart         *SnapStart
	LoggingConfig     *LoggingConfig
}

// FunctionCode is AWS's; of its ways to name code the engine takes ZipFile.
type FunctionCode struct {
	ZipFile  []byte
	S3Bucket string
	S3Key    string
	ImageUri string
}

// UpdateFunctionCodeInput is AWS's.
type UpdateFunctionCodeInput struct {
	FunctionCode
	Publish       bool
	DryRun        bool
	RevisionId    string
	Architectures []string
}

// UpdateFunctionConfigurationInput is AWS's: what is nil stays as it is.
type UpdateFunctionConfigurationInput struct {
	Role              *string
	Handler           *string
	Description       *string
	Timeout           *int
	MemorySize        *int
	VpcConfig         json.RawMessage
	Environment       *Environment
	Runtime           *string
	DeadLetterConfig  *DeadLetterConfig
	KMSKeyArn         *string
	TracingConfig     *TracingConfig
	RevisionId        string
	Layers            *[]string
	FileSystemConfigs json.RawMessage
	EphemeralStorage  *EphemeralStorage
	SnapStart         *SnapStart
	LoggingConfig     *LoggingConfig
}

// GetFunctionOutput is AWS's without Code.Location, which is the door's to make: the zip is Plane.Zip's.
type GetFunctionOutput struct {
	Configuration FunctionConfiguration
	Code          FunctionCodeLocation
	Tags          map[string]string `json:",omitempty"`
	Concurrency   *Concurrency      `json:",omitempty"`
}

// FunctionCodeLocation is AWS's.
type FunctionCodeLocation struct {
	RepositoryType string
	Location       string `json:",omitempty"`
}

// Concurrency is AWS's: reserved concurrency.
type Concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

// ListFunctionsOutput is AWS's.
type ListFunctionsOutput struct {
	Functions  []FunctionConfiguration
	NextMarker string `json:",omitempty"`
}

// ListVersionsByFunctionOutput is AWS's.
type ListVersionsByFunctionOutput struct {
	Versions   []FunctionConfiguration
	NextMarker string `json:",omitempty"`
}

// PublishVersionInput is AWS's.
type PublishVersionInput struct {
	CodeSha256  string
	Description *string
	RevisionId  string
}

// Version is a function's code and configuration at one time, as the engine runs it. It does not
// change.
type Version struct {
	FunctionConfiguration
	Extra
}

// Extra is what the engine knows of a version beside what AWS's API tells.
type Extra struct {
	Digest      string          `json:"digest"`             // hex SHA-256 of the zip
	Unzipped    int64           `json:"unzipped"`           // bytes of the files in it
	Opt         []string        `json:"opt,omitempty"`      // hex SHA-256 of the layers' zips, in order
	Limit       time.Duration   `json:"limit"`              // the time-out, exactly
	Origin      string          `json:"origin,omitempty"`   // of a published version: the digest of what it was made from
	Interpreter Interpreter     `json:"interpreter"`        // zero for provided.*
	Settles     time.Time       `json:"settles"`            // when Pending or InProgress ends
	Settled     string          `json:"settled,omitempty"`  // the RevisionId from then on
	Created     bool            `json:"created,omitempty"`  // it was created, not updated: State is Pending until then
	Function    *assay.Function `json:"function,omitempty"` // as Deploy was given it; nil if the API made it
}

// Interpreter is a language's runtime as found on this machine.
type Interpreter struct {
	Path    string `json:"path,omitempty"`    // absolute
	Version string `json:"version,omitempty"` // in AWS's words: "python3.11", "nodejs20.x"
}

// StampLayout is the form of dates such as LastModified.
const StampLayout = "2006-01-02T15:04:05.000-0700"

func stamp(t time.Time) string { return t.UTC().Format(StampLayout) }
