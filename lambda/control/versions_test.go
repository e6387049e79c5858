package control

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func configure(t testing.TB, p *Plane, name string, in UpdateFunctionConfigurationInput) FunctionConfiguration {
	t.Helper()
	return must(p.UpdateFunctionConfiguration(context.Background(), name, in))(t)
}

func updateCode(t testing.TB, p *Plane, name, content string) FunctionConfiguration {
	t.Helper()
	return must(p.UpdateFunctionCode(context.Background(), name, UpdateFunctionCodeInput{FunctionCode: FunctionCode{ZipFile: zipped(t, map[string]string{"main.py": content})}}))(t)
}

func TestVersions(t *testing.T) {
	p := open(t, Options{})
	create(t, p, "f")
	one := must(p.PublishVersion("f", PublishVersionInput{}))(t)
	if one.Version != "1" || one.FunctionArn != FunctionARN("f")+":1" || one.State != "Active" {
		t.Errorf("published %+v", one)
	}
	same := must(p.PublishVersion("f", PublishVersionInput{Description: new("ignored")}))(t)
	if same.Version != "1" {
		t.Errorf("with nothing changed, version %s", same.Version)
	}
	updateCode(t, p, "f", "handler = repr")
	two := must(p.PublishVersion("f", PublishVersionInput{Description: new("second")}))(t)
	latest := must(p.GetFunctionConfiguration("f", ""))(t)
	if two.Version != "2" || two.Description != "second" || latest.Description != "" || two.CodeSha256 != latest.CodeSha256 || two.CodeSha256 == one.CodeSha256 {
		t.Errorf("published %+v of %+v", two, latest)
	}
	if again := must(p.GetFunctionConfiguration("f", "1"))(t); !reflect.DeepEqual(again, one) {
		t.Errorf("version 1 is now\n%+v\nwas\n%+v", again, one)
	}
	_, err := p.PublishVersion("f", PublishVersionInput{CodeSha256: "x"})
	refused(t, err, 400, "InvalidParameterValueException", "CodeSHA256 (x) is different from current CodeSHA256 in $LATEST ("+latest.CodeSha256+"). Please try again with the CodeSHA256 in $LATEST.")
	_, err = p.PublishVersion("f", PublishVersionInput{RevisionId: "x"})
	refused(t, err, http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")

	list := must(p.ListVersionsByFunction("f", "", 2))(t)
	rest := must(p.ListVersionsByFunction("f", list.NextMarker, 2))(t)
	if len(list.Versions) != 2 || len(rest.Versions) != 1 || rest.NextMarker != "" || list.Versions[0].Version != "$LATEST" || rest.Versions[0].Version != "2" {
		t.Errorf("pages %+v, %+v", list, rest)
	}

	must(p.CreateAlias("f", CreateAliasInput{Name: "live", FunctionVersion: "1"}))(t)
	refused(t, p.DeleteFunction("f", "1"), 409, "ResourceConflictException", "Function version 1 cannot be deleted because it is referenced by alias")
	refused(t, p.DeleteFunction("f", "$LATEST"), 400, "InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function.")
	refused(t, p.DeleteFunction("f", "live"), 400, "InvalidParameterValueException", "Deletion of aliases is not currently supported.")
	if err := p.DeleteFunction("f", "2"); err != nil {
		t.Error(err)
	}
	_, err = p.GetFunction("f", "2")
	refused(t, err, 404, "ResourceNotFoundException", "Function not found: "+FunctionARN("f")+":2")
	configure(t, p, "f", UpdateFunctionConfigurationInput{MemorySize: new(256)})
	if three := must(p.PublishVersion("f", PublishVersionInput{}))(t); three.Version != "3" {
		t.Errorf("the number of a deleted version was given again: %s", three.Version)
	}
	if err := p.DeleteFunction("f", ""); err != nil {
		t.Error(err)
	}
	refused(t, p.DeleteFunction("f", ""), 404, "ResourceNotFoundException", "Function not found: "+FunctionARN("f"))
}

func TestUpdatesChangeRevisions(t *testing.T) {
	p := open(t, Options{})
	create(t, p, "f")
	seen := map[string]bool{}
	now := func(what string) string {
		t.Helper()
		id := must(p.GetFunctionConfiguration("f", ""))(t).RevisionId
		if seen[id] {
			t.Errorf("%s did not change the RevisionId", what)
		}
		seen[id] = true
		return id
	}
	now("creation")
	answer := configure(t, p, "f", UpdateFunctionConfigurationInput{Description: new("x")})
	if id := now("configuration"); id == answer.RevisionId {
		t.Error("the RevisionId did not change once more when the update completed")
	}
	updateCode(t, p, "f", "handler = repr")
	id := now("code")
	must(p.AddPermission("f", "", AddPermissionInput{StatementId: "s1", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com", RevisionId: id}))(t)
	id = now("permission")
	if policy := must(p.GetPolicy("f", ""))(t); policy.RevisionId != id {
		t.Errorf("the policy has RevisionId %s, the function %s", policy.RevisionId, id)
	}
	_, err := p.UpdateFunctionConfiguration(context.Background(), "f", UpdateFunctionConfigurationInput{RevisionId: "stale"})
	refused(t, err, 412, "PreconditionFailedException", "The Revision Id provided")
}

func TestDryRunChangesNothing(t *testing.T) {
	p := open(t, Options{})
	create(t, p, "f")
	before := must(p.GetFunctionConfiguration("f", ""))(t)
	dry := must(p.UpdateFunctionCode(context.Background(), "f", UpdateFunctionCodeInput{FunctionCode: FunctionCode{ZipFile: zipped(t, map[string]string{"main.py": "new"})}, DryRun: true}))(t)
	if dry.CodeSha256 == before.CodeSha256 {
		t.Error("the answer has the old code")
	}
	if after := must(p.GetFunctionConfiguration("f", ""))(t); !reflect.DeepEqual(after, before) {
		t.Errorf("%+v\nwas %+v", after, before)
	}
	if zips, _ := os.ReadDir(filepath.Join(p.opts.Dir, "zips")); len(zips) != 1 {
		t.Errorf("zips %v", zips)
	}
}

func TestAliases(t *testing.T) {
	p := open(t, Options{})
	create(t, p, "f")
	must(p.PublishVersion("f", PublishVersionInput{}))(t)
	updateCode(t, p, "f", "handler = repr")
	must(p.PublishVersion("f", PublishVersionInput{}))(t)
	weights := func(w map[string]float64) *RoutingConfig { return &RoutingConfig{AdditionalVersionWeights: w} }
	for name, c := range map[string]struct {
		in            CreateAliasInput
		status        int
		code, message string
	}{
		"number":       {CreateAliasInput{Name: "1", FunctionVersion: "1"}, 400, "ValidationException", "1 validation error detected: Value '1' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"},
		"no version":   {CreateAliasInput{Name: "a", FunctionVersion: "9"}, 404, "ResourceNotFoundException", "Function not found: " + FunctionARN("f") + ":9"},
		"two weights":  {CreateAliasInput{Name: "a", FunctionVersion: "1", RoutingConfig: weights(map[string]float64{"1": .1, "2": .1})}, 400, "InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1"},
		"weight":       {CreateAliasInput{Name: "a", FunctionVersion: "1", RoutingConfig: weights(map[string]float64{"2": 1.3})}, 400, "ValidationException", "1 validation error detected: Value '{2=1.3}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint"},
		"same version": {CreateAliasInput{Name: "a", FunctionVersion: "1", RoutingConfig: weights(map[string]float64{"1": .5})}, 400, "InvalidParameterValueException", "Invalid function version 1. Function version 1 is already included in routing configuration."},
		"latest":       {CreateAliasInput{Name: "a", FunctionVersion: "$LATEST", RoutingConfig: weights(map[string]float64{"1": .5})}, 400, "InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version"},
		"no other":     {CreateAliasInput{Name: "a", FunctionVersion: "1", RoutingConfig: weights(map[string]float64{"7": .5})}, 404, "ResourceNotFoundException", "Function not found"},
		"missing":      {CreateAliasInput{}, 400, "ValidationException", "1 validation error"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.CreateAlias("f", c.in)
			refused(t, err, c.status, c.code, c.message)
		})
	}
	a := must(p.CreateAlias("f", CreateAliasInput{Name: "live", FunctionVersion: "1", RoutingConfig: weights(map[string]float64{"2": 0.25})}))(t)
	if a.AliasArn != FunctionARN("f")+":live" || a.RoutingConfig.AdditionalVersionWeights["2"] != 0.25 {
		t.Errorf("alias %+v", a)
	}
	_, err := p.CreateAlias("f", CreateAliasInput{Name: "live", FunctionVersion: "1"})
	refused(t, err, 409, "ResourceConflictException", "Alias already exists: "+FunctionARN("f")+":live")
	for random, want := range map[float64]string{0: "2", 0.2499: "2", 0.25: "1", 0.99: "1"} {
		if v := must(p.Resolve("f", "live", func() float64 { return random }))(t); v.Version != want {
			t.Errorf("at %v version %s, want %s", random, v.Version, want)
		}
	}
	_, err = p.UpdateAlias("f", "live", UpdateAliasInput{RevisionId: "x"})
	refused(t, err, 412, "PreconditionFailedException", "The Revision Id provided")
	b := must(p.UpdateAlias("f", "live", UpdateAliasInput{FunctionVersion: "2", RoutingConfig: weights(nil), RevisionId: a.RevisionId}))(t)
	if b.RoutingConfig != nil || b.FunctionVersion != "2" || b.RevisionId == a.RevisionId {
		t.Errorf("alias %+v", b)
	}
	if text, _ := json.Marshal(b); strings.Contains(string(text), "RoutingConfig") {
		t.Errorf("empty routing is told: %s", text)
	}
	if c := must(p.GetFunctionConfiguration("f", "live"))(t); c.Version != "2" || c.FunctionArn != FunctionARN("f")+":live" {
		t.Errorf("by alias: %+v", c)
	}
	_, err = p.GetAlias("f", "nonesuch")
	refused(t, err, 404, "ResourceNotFoundException", "Cannot find alias arn: "+FunctionARN("f")+":nonesuch")
	if err := p.DeleteAlias("f", "live"); err != nil {
		t.Error(err)
	}
	if l := must(p.ListAliases("f", "", "", 0))(t); len(l.Aliases) != 0 {
		t.Errorf("aliases %+v", l)
	}
}

func TestConcurrency(t *testing.T) {
	provision := Provision{}
	p := open(t, Options{Provisioned: func(string, string) Provision { return provision }})
	create(t, p, "f")
	create(t, p, "g")
	must(p.PutFunctionConcurrency("f", 500))(t)
	_, err := p.PutFunctionConcurrency("g", 401)
	refused(t, err, 400, "InvalidParameterValueException", "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	must(p.PutFunctionConcurrency("g", 400))(t)
	if s := p.GetAccountSettings(); s.AccountLimit.UnreservedConcurrentExecutions != 100 || s.AccountUsage.FunctionCount != 2 {
		t.Errorf("account %+v", s)
	}
	if c := must(p.GetFunction("f", ""))(t).Concurrency; c == nil || *c.ReservedConcurrentExecutions != 500 {
		t.Errorf("concurrency %+v", c)
	}
	_, err = p.PutProvisionedConcurrencyConfig("f", "$LATEST", 1)
	refused(t, err, 400, "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	must(p.PublishVersion("f", PublishVersionInput{}))(t)
	_, err = p.GetProvisionedConcurrencyConfig("f", "1")
	refused(t, err, 404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
	_, err = p.PutProvisionedConcurrencyConfig("f", "1", 501)
	refused(t, err, 400, "InvalidParameterValueException", "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	if c := must(p.PutProvisionedConcurrencyConfig("f", "1", 2))(t); c.Status != "IN_PROGRESS" || c.RequestedProvisionedConcurrentExecutions != 2 {
		t.Errorf("put %+v", c)
	}
	for state, want := range map[Provision]string{{}: "IN_PROGRESS", {Allocated: 1, Available: 1}: "IN_PROGRESS", {Allocated: 2, Available: 1}: "READY", {Failed: "FUNCTION_ERROR_INIT_FAILURE"}: "FAILED"} {
		provision = state
		if c := must(p.GetProvisionedConcurrencyConfig("f", "1"))(t); c.Status != want || c.StatusReason != state.Failed {
			t.Errorf("at %+v: %+v", state, c)
		}
	}
	must(p.CreateAlias("f", CreateAliasInput{Name: "live", FunctionVersion: "1"}))(t)
	_, err = p.PutProvisionedConcurrencyConfig("f", "live", 1)
	refused(t, err, 409, "ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	_, err = p.PutFunctionConcurrency("f", 1)
	refused(t, err, 400, "InvalidParameterValueException", "ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].")
	if err := p.DeleteProvisionedConcurrencyConfig("f", "1"); err != nil {
		t.Error(err)
	}
	if want := p.Provisions("f"); len(want) != 0 {
		t.Errorf("provisions %v", want)
	}
}

func TestLayers(t *testing.T) {
	p := open(t, Options{})
	publish := func(name, content string) LayerVersion {
		return must(p.PublishLayerVersion(context.Background(), name, PublishLayerVersionInput{Content: FunctionCode{ZipFile: zipped(t, map[string]string{"lib": content})}, CompatibleRuntimes: []string{"python3.12"}}))(t)
	}
	one, two, other := publish("l", "one"), publish("l", "two"), publish("other", "x")
	if one.LayerVersionArn != LayerARN("l")+":1" || two.Version != 2 || one.Digest != "" {
		t.Errorf("layers %+v, %+v", one, two)
	}
	in := input(t, "f")
	in.Layers = []string{two.LayerVersionArn, other.LayerVersionArn}
	c := must(p.CreateFunction(context.Background(), in))(t)
	if len(c.Layers) != 2 || c.Layers[0].Arn != two.LayerVersionArn || c.Layers[0].CodeSize == 0 {
		t.Errorf("layers %+v", c.Layers)
	}
	in.FunctionName, in.Layers = "g", []string{one.LayerVersionArn, two.LayerVersionArn}
	_, err := p.CreateFunction(context.Background(), in)
	refused(t, err, 400, "InvalidParameterValueException", "Two different versions of the same layer are not allowed to be referenced in the same function. "+one.LayerVersionArn+" and "+two.LayerVersionArn+".")
	if l := p.ListLayers("python3.12", "", "", 0); len(l.Layers) != 2 || l.Layers[0].LatestMatchingVersion.Version != 2 {
		t.Errorf("layers %+v", l)
	}
	if l := p.ListLayers("nodejs22.x", "", "", 0); len(l.Layers) != 0 {
		t.Errorf("layers for another runtime: %+v", l)
	}

	if err := p.DeleteLayerVersion("l", 2); err != nil {
		t.Error(err)
	}
	_, err = p.GetLayerVersion("l", 2)
	refused(t, err, 404, "ResourceNotFoundException", "The resource you requested does not exist.")
	v := must(p.Version("f", ""))(t)
	_, layers, err := p.Folders(context.Background(), v)
	if err != nil || len(layers) != 2 {
		t.Fatalf("the deleted layer of a function: %v, %v", layers, err)
	}
	if text, err := os.ReadFile(filepath.Join(layers[0], "lib")); string(text) != "two" || err != nil {
		t.Errorf("the layer's file: %q, %v", text, err)
	}
	if three := publish("l", "three"); three.Version != 3 {
		t.Errorf("the number of a deleted version was given again: %d", three.Version)
	}
	configure(t, p, "f", UpdateFunctionConfigurationInput{Layers: &[]string{}})
	if _, err := os.Stat(layers[0]); err == nil {
		t.Error("a layer that nothing uses is kept")
	}
}

func TestPolicies(t *testing.T) {
	p := open(t, Options{})
	create(t, p, "f")
	_, err := p.GetPolicy("f", "")
	refused(t, err, 404, "ResourceNotFoundException", "The resource you requested does not exist.")
	out := must(p.AddPermission("f", "", AddPermissionInput{StatementId: "s1", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com", SourceArn: "arn:aws:s3:::b"}))(t)
	want := `{"Sid":"s1","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"` + FunctionARN("f") + `","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}`
	if out.Statement != want {
		t.Errorf("statement %s", out.Statement)
	}
	_, err = p.AddPermission("f", "", AddPermissionInput{StatementId: "s1", Action: "lambda:InvokeFunction", Principal: "*"})
	refused(t, err, 409, "ResourceConflictException", "The statement id (s1) provided already exists. Please provide a new statement id, or remove the existing statement.")
	if policy := must(p.GetPolicy("f", ""))(t); policy.Policy != `{"Version":"2012-10-17","Id":"default","Statement":[`+want+`]}` {
		t.Errorf("policy %s", policy.Policy)
	}
	if p.MayInvokeURL("f", "") {
		t.Error("everybody may call the URL")
	}
	must(p.AddPermission("f", "", AddPermissionInput{StatementId: "url", Action: "lambda:InvokeFunctionUrl", Principal: "*", FunctionUrlAuthType: "NONE"}))(t)
	if !p.MayInvokeURL("f", "") {
		t.Error("nobody may call the URL")
	}
	refused(t, p.RemovePermission("f", "", "s9", ""), 404, "ResourceNotFoundException", "Statement s9 is not found in resource policy.")
	for _, sid := range []string{"s1", "url"} {
		if err := p.RemovePermission("f", "", sid, ""); err != nil {
			t.Error(err)
		}
	}
	refused(t, p.RemovePermission("f", "", "s1", ""), 404, "ResourceNotFoundException", "No policy is associated with the given resource.")
}

func TestUpdateInProgress(t *testing.T) {
	p := open(t, Options{})
	create(t, p, "f")
	end := must(p.updating("f"))(t)
	_, err := p.UpdateFunctionCode(context.Background(), "f", UpdateFunctionCodeInput{})
	refused(t, err, 409, "ResourceConflictException", "The operation cannot be performed at this time. An update is in progress for resource: "+FunctionARN("f"))
	if _, err := p.GetFunction("f", ""); err != nil {
		t.Errorf("reading waits for the update: %v", err)
	}
	if err := p.TagResource(FunctionARN("f"), map[string]string{"a": "b"}); err != nil {
		t.Errorf("tags wait for the update: %v", err)
	}
	end()
	updateCode(t, p, "f", "handler = repr")
}

// TestEverythingSurvivesRestarts compares all that can be read before and after.
func TestEverythingSurvivesRestarts(t *testing.T) {
	c := newClock()
	opts := Options{Dir: t.TempDir(), Now: c.read}
	p := open(t, opts)
	in := input(t, "f")
	in.Tags, in.Environment = map[string]string{"team": "x"}, &Environment{map[string]string{"A": "<b>"}}
	must(p.CreateFunction(context.Background(), in))(t)
	must(p.PublishVersion("f", PublishVersionInput{}))(t)
	must(p.CreateAlias("f", CreateAliasInput{Name: "live", FunctionVersion: "1"}))(t)
	must(p.AddPermission("f", "live", AddPermissionInput{StatementId: "s1", Action: "lambda:InvokeFunction", Principal: "123456789012"}))(t)
	must(p.PutFunctionConcurrency("f", 7))(t)
	must(p.PutProvisionedConcurrencyConfig("f", "live", 2))(t)
	must(p.PutFunctionEventInvokeConfig("f", "", EventInvokeConfigInput{MaximumRetryAttempts: new(1), DestinationConfig: &DestinationConfig{OnFailure: &Destination{"arn:aws:file:::q"}}}))(t)
	must(p.CreateFunctionURLConfig("f", "live", FunctionURLConfigInput{AuthType: "NONE"}))(t)
	must(p.PutRuntimeManagementConfig("f", "", "FunctionUpdate", nil))(t)
	if err := p.PutFunctionRecursionConfig("f", "Allow"); err != nil {
		t.Fatal(err)
	}
	must(p.PublishLayerVersion(context.Background(), "l", PublishLayerVersionInput{Content: FunctionCode{ZipFile: zipped(t, map[string]string{"x": "y"})}}))(t)
	mapping := must(p.CreateEventSourceMapping(EventSourceMappingInput{FunctionName: "f", MappingSettings: MappingSettings{EventSourceArn: "arn:aws:sqs:us-east-1:000000000000:q", BatchSize: new(5)}}))(t)

	read := func(p *Plane) string {
		everything := []any{
			must(p.GetFunction("f", ""))(t), must(p.GetFunction("f", "live"))(t), must(p.ListVersionsByFunction("f", "", 0))(t),
			must(p.ListAliases("f", "", "", 0))(t), must(p.GetPolicy("f", "live"))(t), must(p.GetProvisionedConcurrencyConfig("f", "live"))(t),
			must(p.GetFunctionEventInvokeConfig("f", ""))(t), must(p.GetFunctionURLConfig("f", "live"))(t), must(p.GetRuntimeManagementConfig("f", ""))(t),
			must(p.GetFunctionRecursionConfig("f"))(t), p.ListLayers("", "", "", 0), must(p.GetLayerVersion("l", 1))(t),
			must(p.GetEventSourceMapping(mapping.UUID))(t), p.GetAccountSettings(),
		}
		text, err := json.MarshalIndent(everything, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := read(p)
	p.Close()
	if err := p.TagResource(FunctionARN("f"), map[string]string{"a": "b"}); err == nil {
		t.Error("a closed plane was changed")
	}
	if err := os.WriteFile(filepath.Join(opts.Dir, "functions", ".tmp-torn"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if after := read(open(t, opts)); after != before {
		t.Errorf("after\n%s\nbefore\n%s", after, before)
	}
	if left, _ := filepath.Glob(filepath.Join(opts.Dir, "functions", ".tmp*")); len(left) > 0 {
		t.Errorf("left of a write that was cut off: %v", left)
	}
}

// TestFirstReleaseIsMigrated reads what the first release kept: a file, and code in a folder.
func TestFirstReleaseIsMigrated(t *testing.T) {
	dir := t.TempDir()
	sum := strings.Repeat("ab", 32)
	for path, content := range map[string]string{
		"code/" + sum + "/app.py": "def handler(e, c): return 1\n",
		"functions/old.json": `{"name":"old","runtime":"python3","handler":"app.handler","code":"/src/old","memory":256,"timeout":1500000000,
			"environment":{"A":"b"},"concurrency":3,"source":"assay.yaml:3:1","code_sha256":"` + strings.Repeat("q6ur", 10) + `q6s=",
			"code_size":28,"interpreter":{"path":"/usr/bin/python3","version":"python3.11"},"last_modified":"2026-10-01T10:00:00Z"}`,
	} {
		file := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time it is of this release
		p := open(t, Options{Dir: dir})
		v := must(p.Version("old", ""))(t)
		fn := v.Definition()
		if fn.Timeout != 1500*time.Millisecond || v.Timeout != 2 || fn.MemoryMB != 256 || fn.Environment["A"] != "b" || fn.Source != "assay.yaml:3:1" || fn.Code != "/src/old" || v.Interpreter.Version != "python3.11" {
			t.Errorf("function %+v, version %+v", fn, v)
		}
		if n, ok := p.Reserved("old"); n != 3 || !ok {
			t.Errorf("reserved %d, %v", n, ok)
		}
		if c := must(p.GetFunctionConfiguration("old", ""))(t); c.LastModified != "2026-10-01T10:00:00.000+0000" || c.State != "Active" {
			t.Errorf("configuration %+v", c)
		}
		root, _, err := p.Folders(context.Background(), v)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(root, "app.py")); err != nil || !strings.HasPrefix(string(text), "def") {
			t.Errorf("code %q, %v", text, err)
		}
		p.Close()
	}
	if _, err := os.Stat(filepath.Join(dir, "code", sum)); err == nil {
		t.Error("the old folder is kept")
	}
}

func TestUnreadableFileKeepsAllCode(t *testing.T) {
	opts := Options{Dir: t.TempDir()}
	p := open(t, opts)
	create(t, p, "f")
	p.Close()
	if err := os.WriteFile(filepath.Join(opts.Dir, "functions", "f.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	p = open(t, opts)
	if names := p.Names(); len(names) != 0 {
		t.Errorf("functions %v", names)
	}
	if zips, _ := os.ReadDir(filepath.Join(opts.Dir, "zips")); len(zips) != 1 {
		t.Errorf("zips %v", zips)
	}
	create(t, p, "f") // made again, it takes the file's place
}
