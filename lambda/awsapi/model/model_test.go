package model

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"

	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
)

func load(t testing.TB) map[string]*Operation {
	t.Helper()
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*Operation{}
	for _, o := range all {
		byName[o.Name] = o
	}
	return byName
}

// The SDK for Go is generated from the same model: what it can call, the model has.
func TestEveryOperationOfTheSDK(t *testing.T) {
	operations := load(t)
	client := reflect.TypeFor[*awslambda.Client]()
	for i := range client.NumMethod() {
		if m := client.Method(i); m.Type.NumIn() == 4 && operations[m.Name] == nil {
			t.Errorf("%s is not in the model", m.Name)
		}
	}
	if len(operations) < 85 {
		t.Errorf("%d operations", len(operations))
	}
}

// input is what a request with a path's members, a query, headers and a body would bring.
func input(path map[string]string, query string, header http.Header, body string) Input {
	values, _ := url.ParseQuery(query)
	var members map[string]json.RawMessage
	json.Unmarshal([]byte(body), &members)
	return Input{
		Path:   func(name string) string { return path[name] },
		Query:  func(name string) []string { return values[name] },
		Header: func(name string) string { return header.Get(name) }, Body: members,
	}
}

func TestCheck(t *testing.T) {
	const role = "arn:aws:iam::000000000000:role/r"
	const layers = "Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ((arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)), Member must not be null"
	named := map[string]string{"FunctionName": "f", "Name": "live"}
	operations := load(t)
	for _, tt := range []struct {
		operation string
		path      map[string]string
		query     string
		header    http.Header
		body      string
		want      string
	}{
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "` + role + `", "Code": {"ZipFile": "UEs="}, "MemorySize": 128, "Publish": true}`, ""},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "r1", "Code": {}}`,
			"1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Code": null}`,
			"2 validation errors detected: Value null at 'role' failed to satisfy constraint: Member must not be null; Value null at 'code' failed to satisfy constraint: Member must not be null"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "` + role + `", "Code": {}, "MemorySize": 64}`,
			"1 validation error detected: Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "` + role + `", "Code": {}, "MemorySize": "64"}`, "STRING_VALUE can not be converted to an Integer"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": 7, "Role": "` + role + `", "Code": {}}`, "NUMBER_VALUE can not be converted to a String"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "` + role + `", "Code": []}`, "Start of list found where not expected"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": {}, "Role": "` + role + `", "Code": {}}`, "Start of structure or map found where not expected."},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "` + role + `", "Code": {}, "Layers": ["None"]}`,
			"1 validation error detected: Value '[None]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: [" + layers + "]"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "` + role + `", "Code": {}, "Environment": {"Variables": {"1": "secret"}}}`,
			"1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"},
		{"CreateFunction", nil, "", nil, `{"FunctionName": "f", "Role": "` + role + `", "Code": {}, "TracingConfig": {"Mode": "Maybe"}}`,
			"1 validation error detected: Value 'Maybe' at 'tracingConfig.mode' failed to satisfy constraint: Member must satisfy enum value set: [Active, PassThrough]"},
		{"Invoke", named, "", http.Header{"X-Amz-Invocation-Type": {"Sometimes"}}, "",
			"1 validation error detected: Value 'Sometimes' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"},
		{"ListFunctions", nil, "MaxItems=0", nil, "", "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"ListFunctions", nil, "MaxItems=many", nil, "", "STRING_VALUE can not be converted to an Integer"},
		{"ListFunctions", nil, "MaxItems=10000", nil, "", ""},
		{"UntagResource", map[string]string{"Resource": "arn:aws:lambda:us-east-1:000000000000:function:f"}, "tagKeys=a&tagKeys=b", nil, "", ""},
		{"UpdateAlias", named, "", nil, `{"RoutingConfig": {"AdditionalVersionWeights": {"1": 1.5}}}`,
			"1 validation error detected: Value '{1=1.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1, Member must have value greater than or equal to 0, Member must not be null]"},
		{"CreateAlias", named, "", nil, `{"Name": "12", "FunctionVersion": "1"}`,
			"1 validation error detected: Value '12' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"},
		{"PutFunctionConcurrency", named, "", nil, `{"ReservedConcurrentExecutions": -1}`,
			"1 validation error detected: Value '-1' at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0"},
		{"GetFunctionUrlConfig", map[string]string{"FunctionName": "f:1"}, "", nil, "",
			"1 validation error detected: Value 'f:1' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]{1,64})(:((?!\\d+$)[0-9a-zA-Z-_]+))?"},
		{"GetFunctionUrlConfig", map[string]string{"FunctionName": "123"}, "Qualifier=live", nil, "", ""},
	} {
		err := operations[tt.operation].Check(input(tt.path, tt.query, tt.header, tt.body))
		if got := message(err); got != tt.want {
			t.Errorf("%s %v %s %s:\n%s\nwant %s", tt.operation, tt.path, tt.query, tt.body, got, tt.want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// FuzzCheck looks for bodies that crash the check, or that it takes for more than one thing.
func FuzzCheck(f *testing.F) {
	f.Add("CreateFunction", `{"FunctionName": "f", "Layers": [null, 1], "Environment": {"Variables": {"a": []}}}`)
	f.Add("CreateEventSourceMapping", `{"SourceAccessConfigurations": [{"Type": 1}], "Topics": {}}`)
	f.Add("UpdateAlias", `{"RoutingConfig": {"AdditionalVersionWeights": {"": "x"}}}`)
	operations := load(f)
	f.Fuzz(func(t *testing.T, name, body string) {
		o := operations[name]
		if o == nil {
			return
		}
		switch err := o.Check(input(nil, "", nil, body)).(type) {
		case nil, *MalformedError:
		case Violations:
			if slices.Contains(err, "") {
				t.Errorf("%s %s: %q", name, body, err)
			}
		default:
			t.Errorf("%s %s: %T", name, body, err)
		}
	})
}
