package deploy

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/assaylab/assay"
)

// patience is how long an update may take.
const patience = 5 * time.Minute

// Function creates or updates a function, with what belongs to it.
func (c *Client) Function(ctx context.Context, f Function) (Result, error) {
	f.Role, f.Handler = cmp.Or(f.Role, c.opts.Role), cmp.Or(f.Handler, "bootstrap")
	r, err := c.function(ctx, f)
	if err != nil {
		return Result{}, c.failed(err, "function "+f.Name)
	}
	return r, nil
}

func (c *Client) function(ctx context.Context, f Function) (Result, error) {
	r := Result{Name: f.Name, Action: Unchanged}
	now, err := c.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &f.Name})
	switch {
	case missing(err):
		r.Action, now = Created, &lambda.GetFunctionOutput{}
		if c.opts.Plan {
			return r, nil
		}
		err = c.create(ctx, f, &r)
	case err == nil:
		r.ARN = aws.ToString(now.Configuration.FunctionArn)
		err = c.update(ctx, f, now, &r)
	}
	if err != nil {
		return Result{}, err
	}
	for _, step := range []func(context.Context, Function, *lambda.GetFunctionOutput, *Result) error{c.tags, c.concurrency, c.aliases, c.url} {
		if err := step(ctx, f, now, &r); err != nil {
			return Result{}, err
		}
	}
	return r, nil
}

func (c *Client) create(ctx context.Context, f Function, r *Result) error {
	if f.Role == "" {
		return &assay.Error{Code: assay.CodeInvalid, What: "the function has no role", Where: "function " + f.Name, Hint: "give the ARN of an IAM role for functions with --role"}
	}
	zip, err := os.ReadFile(f.Zip)
	if err != nil {
		return err
	}
	c.opts.Progress("function " + f.Name + ": create")
	out, err := c.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &f.Name, Code: &types.FunctionCode{ZipFile: zip}, Runtime: types.Runtime(f.Runtime), Handler: &f.Handler, Role: &f.Role,
		MemorySize: aws.Int32(int32(f.MemoryMB)), Timeout: aws.Int32(seconds(f.Timeout)), Description: text(f.Description),
		Environment: environment(f), Layers: f.Layers, Architectures: architectures(f), Tags: f.Tags, EphemeralStorage: storage(f),
	})
	if err != nil {
		return err
	}
	r.ARN = aws.ToString(out.FunctionArn)
	return c.settled(ctx, f.Name)
}

// seconds rounds up: AWS knows no shorter time-outs.
func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// storage is the size of /tmp; nil leaves it as it is.
func storage(f Function) *types.EphemeralStorage {
	if f.TmpMB == 0 {
		return nil
	}
	return &types.EphemeralStorage{Size: aws.Int32(int32(f.TmpMB))}
}

func environment(f Function) *types.Environment {
	return &types.Environment{Variables: f.Environment}
}

func architectures(f Function) []types.Architecture {
	if f.Architecture == "" {
		return nil
	}
	return []types.Architecture{types.Architecture(f.Architecture)}
}

// update sends code and configuration if they differ.
func (c *Client) update(ctx context.Context, f Function, now *lambda.GetFunctionOutput, r *Result) error {
	have := now.Configuration
	moved := f.Architecture != "" && !slices.Equal(architectures(f), have.Architectures)
	if aws.ToString(have.CodeSha256) != f.CodeSHA256 || moved {
		r.change()
		if err := c.updateCode(ctx, f); err != nil {
			return err
		}
	}
	if c.configured(f, have) {
		return nil
	}
	r.change()
	if c.opts.Plan {
		return nil
	}
	c.opts.Progress("function " + f.Name + ": configure")
	in := &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &f.Name, Runtime: types.Runtime(f.Runtime), Handler: &f.Handler, Description: &f.Description,
		MemorySize: aws.Int32(int32(f.MemoryMB)), Timeout: aws.Int32(seconds(f.Timeout)), Environment: environment(f), Layers: f.Layers, Role: text(f.Role),
		EphemeralStorage: storage(f),
	}
	if in.Layers == nil {
		in.Layers = []string{} // none, and not as they are
	}
	if _, err := c.lambda.UpdateFunctionConfiguration(ctx, in); err != nil {
		return err
	}
	return c.settled(ctx, f.Name)
}

func (c *Client) updateCode(ctx context.Context, f Function) error {
	if c.opts.Plan {
		return nil
	}
	zip, err := os.ReadFile(f.Zip)
	if err != nil {
		return err
	}
	c.opts.Progress("function " + f.Name + ": send code")
	if _, err := c.lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &f.Name, ZipFile: zip, Architectures: architectures(f)}); err != nil {
		return err
	}
	return c.settled(ctx, f.Name)
}

// configured tells whether the configuration is what it should be.
func (c *Client) configured(f Function, have *types.FunctionConfiguration) bool {
	var variables map[string]string
	if have.Environment != nil {
		variables = have.Environment.Variables
	}
	var layers []string
	for _, l := range have.Layers {
		layers = append(layers, aws.ToString(l.Arn))
	}
	if f.TmpMB > 0 && (have.EphemeralStorage == nil || aws.ToInt32(have.EphemeralStorage.Size) != int32(f.TmpMB)) {
		return false
	}
	return string(have.Runtime) == f.Runtime && aws.ToString(have.Handler) == f.Handler && aws.ToString(have.Description) == f.Description &&
		aws.ToInt32(have.MemorySize) == int32(f.MemoryMB) && aws.ToInt32(have.Timeout) == seconds(f.Timeout) &&
		maps.Equal(variables, f.Environment) && slices.Equal(layers, f.Layers) && (f.Role == "" || f.Role == aws.ToString(have.Role))
}

// settled waits until a function is active and no update of it is under way.
func (c *Client) settled(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		now, err := c.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
		if err != nil {
			return err
		}
		switch {
		case now.State == types.StateFailed || now.LastUpdateStatus == types.LastUpdateStatusFailed:
			return &assay.Error{Code: assay.CodeInvalid, What: "the function cannot be used: " + cmp.Or(aws.ToString(now.StateReason), aws.ToString(now.LastUpdateStatusReason)), Where: "function " + name}
		case now.State != types.StatePending && now.LastUpdateStatus != types.LastUpdateStatusInProgress:
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), errors.New("an update of "+name+" is still under way"))
		case <-time.After(c.opts.Pace):
		}
	}
}

// tags adds what is missing; what others added stays.
func (c *Client) tags(ctx context.Context, f Function, now *lambda.GetFunctionOutput, r *Result) error {
	if now.Configuration == nil || contains(now.Tags, f.Tags) {
		return nil
	}
	r.change()
	if c.opts.Plan {
		return nil
	}
	_, err := c.lambda.TagResource(ctx, &lambda.TagResourceInput{Resource: now.Configuration.FunctionArn, Tags: f.Tags})
	return err
}

func contains(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// concurrency sets or ends reserved concurrency.
func (c *Client) concurrency(ctx context.Context, f Function, now *lambda.GetFunctionOutput, r *Result) error {
	have := int32(0)
	if now.Concurrency != nil {
		have = aws.ToInt32(now.Concurrency.ReservedConcurrentExecutions)
	}
	want := int32(f.Concurrency)
	if have == want {
		return nil
	}
	r.change()
	if c.opts.Plan {
		return nil
	}
	if want == 0 {
		_, err := c.lambda.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &f.Name})
		return err
	}
	_, err := c.lambda.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: &f.Name, ReservedConcurrentExecutions: &want})
	return err
}

// url makes the function's URL what it should be. One that the definition does not ask for stays.
func (c *Client) url(ctx context.Context, f Function, _ *lambda.GetFunctionOutput, r *Result) error {
	if f.URL == nil {
		return nil
	}
	auth, mode := types.FunctionUrlAuthTypeAwsIam, types.InvokeModeBuffered
	if f.URL.Public {
		auth = types.FunctionUrlAuthTypeNone
	}
	if f.URL.Streams {
		mode = types.InvokeModeResponseStream
	}
	have, err := c.lambda.GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{FunctionName: &f.Name})
	switch {
	case missing(err):
		r.change()
		return c.createURL(ctx, f, auth, mode, r)
	case err != nil:
		return err
	}
	r.URL = aws.ToString(have.FunctionUrl)
	if have.AuthType == auth && have.InvokeMode == mode {
		return nil
	}
	r.change()
	if c.opts.Plan {
		return nil
	}
	if _, err := c.lambda.UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{FunctionName: &f.Name, AuthType: auth, InvokeMode: mode}); err != nil {
		return err
	}
	return c.permit(ctx, f)
}

func (c *Client) createURL(ctx context.Context, f Function, auth types.FunctionUrlAuthType, mode types.InvokeMode, r *Result) error {
	if c.opts.Plan {
		return nil
	}
	c.opts.Progress("function " + f.Name + ": make its URL")
	out, err := c.lambda.CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{FunctionName: &f.Name, AuthType: auth, InvokeMode: mode})
	if err != nil {
		return err
	}
	r.URL = aws.ToString(out.FunctionUrl)
	return c.permit(ctx, f)
}

// permit lets everyone call a public URL: AWS asks for a permission of each kind.
func (c *Client) permit(ctx context.Context, f Function) error {
	if !f.URL.Public {
		return nil
	}
	for _, p := range []*lambda.AddPermissionInput{
		{StatementId: aws.String("FunctionURLAllowPublicAccess"), Action: aws.String("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone},
		{StatementId: aws.String("FunctionURLInvokeAllowPublicAccess"), Action: aws.String("lambda:InvokeFunction"), InvokedViaFunctionUrl: aws.Bool(true)},
	} {
		p.FunctionName, p.Principal = &f.Name, aws.String("*")
		_, err := c.lambda.AddPermission(ctx, p)
		if exists := (*types.ResourceConflictException)(nil); err != nil && !errors.As(err, &exists) {
			return err
		}
	}
	return nil
}
