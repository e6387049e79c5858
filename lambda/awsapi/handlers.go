package awsapi

import "github.com/assaylab/assay/lambda/control"

// handlers are the operations that are served, by AWS's names. The model has more.
func handlers() map[string]handler {
	return map[string]handler{
		"Invoke":                   invoke,
		"InvokeAsync":              invokeAsync,
		"InvokeWithResponseStream": invokeStream,

		"CreateFunction":              input(createFunction),
		"GetFunction":                 onFunction(getFunction),
		"GetFunctionConfiguration":    onFunction(getConfiguration),
		"UpdateFunctionCode":          named(updateCode),
		"UpdateFunctionConfiguration": named(updateConfiguration),
		"ListFunctions":               listFunctions,
		"DeleteFunction":              onFunction(deleteFunction),
		"PublishVersion":              named(publishVersion),
		"ListVersionsByFunction":      onFunction(listVersions),

		"CreateAlias": named(createAlias),
		"GetAlias":    onFunction(getAlias),
		"UpdateAlias": named(updateAlias),
		"DeleteAlias": onFunction(deleteAlias),
		"ListAliases": onFunction(listAliases),

		"AddPermission":    named(addPermission),
		"RemovePermission": onFunction(removePermission),
		"GetPolicy":        onFunction(getPolicy),

		"TagResource":   input(tagResource),
		"UntagResource": untagResource,
		"ListTags":      listTags,

		"PutFunctionConcurrency":    named(putConcurrency),
		"GetFunctionConcurrency":    onFunction(getConcurrency),
		"DeleteFunctionConcurrency": onFunction(deleteConcurrency),

		"PutProvisionedConcurrencyConfig":    named(putProvisioned),
		"GetProvisionedConcurrencyConfig":    onFunction(getProvisioned),
		"DeleteProvisionedConcurrencyConfig": onFunction(deleteProvisioned),
		"ListProvisionedConcurrencyConfigs":  onFunction(listProvisioned),

		"PutFunctionEventInvokeConfig":    named(putEvents),
		"UpdateFunctionEventInvokeConfig": named(updateEvents),
		"GetFunctionEventInvokeConfig":    onFunction(getEvents),
		"DeleteFunctionEventInvokeConfig": onFunction(deleteEvents),
		"ListFunctionEventInvokeConfigs":  onFunction(listEvents),

		"CreateFunctionUrlConfig": named(createURL),
		"GetFunctionUrlConfig":    onFunction(getURL),
		"UpdateFunctionUrlConfig": named(updateURL),
		"DeleteFunctionUrlConfig": onFunction(deleteURL),
		"ListFunctionUrlConfigs":  onFunction(listURLs),

		"PublishLayerVersion":  input(publishLayer),
		"GetLayerVersion":      getLayer,
		"GetLayerVersionByArn": getLayerByARN,
		"DeleteLayerVersion":   deleteLayer,
		"ListLayerVersions":    listLayerVersions,
		"ListLayers":           listLayers,

		"CreateEventSourceMapping": input(createMapping),
		"GetEventSourceMapping":    getMapping,
		"UpdateEventSourceMapping": input(updateMapping),
		"DeleteEventSourceMapping": deleteMapping,
		"ListEventSourceMappings":  listMappings,

		"GetAccountSettings":           getAccount,
		"GetFunctionCodeSigningConfig": onFunction(getCodeSigning),
		"GetRuntimeManagementConfig":   onFunction(getRuntime),
		"PutRuntimeManagementConfig":   named(putRuntime),
		"GetFunctionRecursionConfig":   onFunction(getRecursion),
		"PutFunctionRecursionConfig":   named(putRecursion),
	}
}

// input is a handler that takes a body.
func input[T any](serve func(*call, T) (any, error)) handler {
	return func(c *call) (any, error) {
		var in T
		if err := c.decode(&in); err != nil {
			return nil, err
		}
		return serve(c, in)
	}
}

// target is a function as the path and the query name it.
type target struct{ name, qualifier string }

// onFunction is a handler of what has a function's name in its path.
func onFunction(serve func(*call, target) (any, error)) handler {
	return func(c *call) (any, error) {
		name, qualifier, err := c.function()
		if err != nil {
			return nil, err
		}
		return serve(c, target{name, qualifier})
	}
}

// named is a handler of what has a function's name in its path, and a body.
func named[T any](serve func(*call, target, T) (any, error)) handler {
	return onFunction(func(c *call, t target) (any, error) {
		return input(func(c *call, in T) (any, error) { return serve(c, t, in) })(c)
	})
}

// nothing is the answer of what has nothing to say.
func nothing(err error) (any, error) { return nil, err }

func getAccount(c *call) (any, error) { return c.opts.Plane.GetAccountSettings(), nil }

func getCodeSigning(c *call, t target) (any, error) {
	return c.opts.Plane.GetFunctionCodeSigningConfig(t.name)
}

func getRuntime(c *call, t target) (any, error) {
	return c.opts.Plane.GetRuntimeManagementConfig(t.name, t.qualifier)
}

type runtimeInput struct {
	UpdateRuntimeOn   string
	RuntimeVersionArn *string
}

func putRuntime(c *call, t target, in runtimeInput) (any, error) {
	return c.opts.Plane.PutRuntimeManagementConfig(t.name, t.qualifier, in.UpdateRuntimeOn, in.RuntimeVersionArn)
}

type recursion struct{ RecursiveLoop string }

func getRecursion(c *call, t target) (any, error) {
	loop, err := c.opts.Plane.GetFunctionRecursionConfig(t.name)
	return recursion{loop}, err
}

func putRecursion(c *call, t target, in recursion) (any, error) {
	return in, c.opts.Plane.PutFunctionRecursionConfig(t.name, in.RecursiveLoop)
}

type tags struct{ Tags map[string]string }

func tagResource(c *call, in tags) (any, error) {
	return nothing(c.opts.Plane.TagResource(c.r.PathValue("Resource"), in.Tags))
}

func untagResource(c *call) (any, error) {
	return nothing(c.opts.Plane.UntagResource(c.r.PathValue("Resource"), c.values["tagKeys"]))
}

func listTags(c *call) (any, error) {
	all, err := c.opts.Plane.ListTags(c.r.PathValue("Resource"))
	return tags{all}, err
}

func addPermission(c *call, t target, in control.AddPermissionInput) (any, error) {
	return c.opts.Plane.AddPermission(t.name, t.qualifier, in)
}

func removePermission(c *call, t target) (any, error) {
	return nothing(c.opts.Plane.RemovePermission(t.name, t.qualifier, c.r.PathValue("StatementId"), c.query("RevisionId")))
}

func getPolicy(c *call, t target) (any, error) { return c.opts.Plane.GetPolicy(t.name, t.qualifier) }
