package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxEnvironment is what a function's variables may measure as JSON, in bytes.
const maxEnvironment = 4 << 10

// bareRuntimes stand for whatever the machine has. They are the engine's own.
var bareRuntimes = []string{"nodejs", "python3", "java", "ruby"}

// runtimes are those that AWS's error lists.
var runtimes = []string{
	"nodejs24.x", "nodejs22.x", "nodejs20.x", "nodejs18.x", "nodejs16.x", "nodejs14.x", "nodejs12.x",
	"python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8",
	"java25", "java21", "java17", "java11", "java8.al2", "dotnet10", "dotnet8", "dotnet6",
	"ruby3.4", "ruby3.3", "ruby3.2", "provided.al2023", "provided.al2", "provided",
}

// configure sets what in names on a version that is not in force yet.
func (p *Plane) configure(ctx context.Context, v *Version, in UpdateFunctionConfigurationInput) error {
	set(&v.Role, in.Role)
	set(&v.Handler, in.Handler)
	set(&v.Description, in.Description)
	set(&v.MemorySize, in.MemorySize)
	set(&v.KMSKeyArn, in.KMSKeyArn)
	if in.Timeout != nil || v.Limit == 0 {
		set(&v.Timeout, in.Timeout)
		v.Limit = time.Duration(v.Timeout) * time.Second
	}
	if in.VpcConfig != nil {
		v.VpcConfig = in.VpcConfig
	}
	if in.FileSystemConfigs != nil {
		v.FileSystemConfigs = in.FileSystemConfigs
	}
	if in.TracingConfig != nil {
		v.TracingConfig = in.TracingConfig
	}
	if in.EphemeralStorage != nil {
		v.EphemeralStorage = in.EphemeralStorage
	}
	if in.DeadLetterConfig != nil {
		v.DeadLetterConfig = in.DeadLetterConfig
		if in.DeadLetterConfig.TargetArn == "" {
			v.DeadLetterConfig = nil
		}
	}
	v.setLogging(in.LoggingConfig)
	v.setEnvironment(in.Environment)
	if err := v.setSnapStart(in.SnapStart); err != nil {
		return err
	}
	if err := p.setLayers(v, in.Layers); err != nil {
		return err
	}
	if err := v.check(); err != nil {
		return err
	}
	return p.setRuntime(ctx, v, in.Runtime)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (v *Version) setLogging(in *LoggingConfig) {
	c := LoggingConfig{LogFormat: "Text", LogGroup: "/aws/lambda/" + v.FunctionName}
	if v.LoggingConfig != nil {
		c = *v.LoggingConfig
	}
	if in != nil {
		if in.LogFormat != "" && in.LogFormat != c.LogFormat {
			c.LogFormat, c.ApplicationLogLevel, c.SystemLogLevel = in.LogFormat, "", ""
		}
		for _, field := range []struct{ to, from *string }{
			{&c.ApplicationLogLevel, &in.ApplicationLogLevel}, {&c.SystemLogLevel, &in.SystemLogLevel}, {&c.LogGroup, &in.LogGroup},
		} {
			if *field.from != "" {
				*field.to = *field.from
			}
		}
	}
	if c.LogFormat == "" {
		c.LogFormat = "Text"
	}
	if c.LogGroup == "" {
		c.LogGroup = "/aws/lambda/" + v.FunctionName
	}
	v.LoggingConfig = &c
}

func (v *Version) setEnvironment(in *Environment) {
	switch {
	case in == nil:
	case len(in.Variables) == 0:
		v.Environment = nil
	default:
		v.Environment = &EnvironmentResponse{Variables: in.Variables}
	}
}

func (v *Version) setSnapStart(in *SnapStart) error {
	switch {
	case in == nil || in.ApplyOn == "" || in.ApplyOn == "None":
		v.SnapStart = &SnapStart{ApplyOn: "None", OptimizationStatus: "Off"}
		return nil
	case in.ApplyOn == "PublishedVersions":
		return invalid("The embedded engine does not support SnapStart.")
	}
	return unfit(in.ApplyOn, "snapStart.applyOn", "Member must satisfy enum value set: [PublishedVersions, None]")
}

// setRuntime looks for the runtime on this machine, unless it is known already.
func (p *Plane) setRuntime(ctx context.Context, v *Version, runtime *string) error {
	if runtime == nil && v.Runtime != "" {
		return nil
	}
	set(&v.Runtime, runtime)
	if v.Runtime == "" {
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	if !slices.Contains(runtimes, v.Runtime) && !slices.Contains(bareRuntimes, v.Runtime) {
		return invalid("Value %s at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [%s] or be a valid ARN", v.Runtime, strings.Join(runtimes, ", "))
	}
	found, err := p.opts.Runtime(ctx, v.Runtime)
	if err != nil {
		return &APIError{Status: http.StatusBadGateway, Code: "InvalidRuntimeException", Message: err.Error(), Err: err}
	}
	v.Interpreter = found
	sum := sha256.Sum256([]byte(v.Runtime + found.Version))
	v.RuntimeVersionConfig = &RuntimeVersionConfig{RuntimeVersionArn: "arn:aws:lambda:us-east-1::runtime:" + hex.EncodeToString(sum[:])}
	return nil
}

// check looks at each value by itself.
func (v *Version) check() error {
	switch {
	case v.MemorySize < 128:
		return unfit(v.MemorySize, "memorySize", "Member must have value greater than or equal to 128")
	case v.MemorySize > 10240:
		return invalid("'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240")
	case v.Timeout < 1:
		return unfit(v.Timeout, "timeout", "Member must have value greater than or equal to 1")
	case v.Timeout > 900:
		return unfit(v.Timeout, "timeout", "Member must have value less than or equal to 900")
	case len(v.Description) > 256:
		return unfit(v.Description, "description", "Member must have length less than or equal to 256")
	case v.EphemeralStorage.Size < 512:
		return unfit(v.EphemeralStorage.Size, "ephemeralStorage.size", "Member must have value greater than or equal to 512")
	case v.EphemeralStorage.Size > 10240:
		return unfit(v.EphemeralStorage.Size, "ephemeralStorage.size", "Member must have value less than or equal to 10240")
	case v.TracingConfig.Mode != "PassThrough" && v.TracingConfig.Mode != "Active":
		return unfit(v.TracingConfig.Mode, "tracingConfig.mode", "Member must satisfy enum value set: [Active, PassThrough]")
	case v.LoggingConfig.LogFormat != "Text" && v.LoggingConfig.LogFormat != "JSON":
		return unfit(v.LoggingConfig.LogFormat, "loggingConfig.logFormat", "Member must satisfy enum value set: [JSON, Text]")
	}
	if v.DeadLetterConfig != nil {
		if err := checkDestination(v.DeadLetterConfig.TargetArn); err != nil {
			return err
		}
	}
	if err := checkArchitectures(v.Architectures); err != nil {
		return err
	}
	return v.checkEnvironment()
}

func checkArchitectures(a []string) error {
	switch {
	case len(a) != 1:
		return unfit("["+strings.Join(a, ", ")+"]", "architectures", "Member must have length less than or equal to 1")
	case a[0] != "x86_64" && a[0] != "arm64":
		return unfit("["+a[0]+"]", "architectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]")
	}
	return nil
}

// reserved are the variables that a function may not set.
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

func (v *Version) checkEnvironment() error {
	if v.Environment == nil {
		return nil
	}
	const sorry = "Lambda was unable to configure your environment variables because the environment variables you have provided"
	var taken []string
	for key, value := range v.Environment.Variables {
		switch {
		case key == "" || strings.ContainsAny(key, "=\x00") || strings.Contains(value, "\x00"):
			return invalid("%s contain a name or value that cannot be one: %q", sorry, key)
		case slices.Contains(reserved, key):
			taken = append(taken, key)
		}
	}
	if len(taken) > 0 {
		slices.Sort(taken)
		return invalid("%s contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", sorry, strings.Join(taken, ", "))
	}
	if text := compact(v.Environment.Variables); len(text) > maxEnvironment {
		return invalid("%s exceeded the 4KB limit. String measured: %s", sorry, text)
	}
	return nil
}

// compact is a value's JSON as AWS measures it, without escapes of HTML.
func compact(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // maps and structs of strings and numbers always marshal
	return bytes.TrimSpace(b.Bytes())
}

// digest is over all that a published version has of its code and configuration.
func (v *Version) digest() string {
	c := v.FunctionConfiguration
	c.RevisionId, c.LastModified, c.Version, c.FunctionArn = "", "", "", ""
	return hash(c, v.Limit, v.Network())
}

// Fingerprint is over all that matters to a process: two versions with the same may share environments.
func (v *Version) Fingerprint() string {
	c := v.FunctionConfiguration
	c.RevisionId, c.LastModified, c.Description, c.Role, c.DeadLetterConfig = "", "", "", "", nil
	return hash(c, v.Limit, v.Interpreter, v.Opt, v.Network())
}

func hash(parts ...any) string {
	sum := sha256.Sum256(compact(parts))
	return fmt.Sprintf("%x", sum[:16])
}
