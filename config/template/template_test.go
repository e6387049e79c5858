package template_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/config/template"
)

var update = flag.Bool("update", false, "write what is read to testdata/*.want.json")

func options() template.Options {
	return template.Options{
		LookupEnv: func(name string) (string, bool) { return "from " + name, name == "LOG_LEVEL" },
		ReadFile:  func(path string) ([]byte, error) { return os.ReadFile(filepath.Join("testdata", path)) },
		Values:    map[string]string{"LogLevel": "warn"},
	}
}

// A template with a slip is still one: what is wrong with it is told, and its folder is not taken for code alone.
func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"Resources:\n  Hello: {Path: /hello/{name}, Method: get}\n": true,
		"{\"Resources\": {\n":   true,
		"Resources: {}\n":       true,
		"title: {{ a page }}\n": false,
		"experiments: {}\n":     false,
		"":                      false,
	} {
		if got := template.Is([]byte(text)); got != want {
			t.Errorf("Is(%q) = %v", text, got)
		}
	}
}

// TestGolden reads templates of the usual kinds. -update writes what comes out, for eyes to check.
func TestGolden(t *testing.T) {
	for _, file := range []string{"http-api.yml", "python-layer.yml", "sam.yaml", "cloudformation.json"} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			if !template.Is(data) {
				t.Error("it is not taken for a template")
			}
			app, err := template.Read(file, data, options())
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(app, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", file+".want.json")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValues(t *testing.T) {
	data, err := os.ReadFile("testdata/http-api.yml")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Stage, o.Values = "prod", map[string]string{"region": "us-west-2"}
	app, err := template.Read("http-api.yml", data, o)
	if err != nil {
		t.Fatal(err)
	}
	f := app.Functions[0]
	if f.Name != "users-api-prod-list" || f.MemoryMB != 1024 || f.Environment["TABLE"] != "users-api-users-prod" || f.Environment["LEVEL"] != "from LOG_LEVEL" {
		t.Errorf("%+v", f)
	}
}

func TestErrors(t *testing.T) {
	const fn = "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: nodejs20.x\n      Handler: a.b\n"
	const sls = "service: s\nprovider:\n  name: aws\n  runtime: nodejs20.x\nfunctions:\n  f:\n    handler: a.b\n"
	for name, c := range map[string]struct{ text, want string }{
		"no template":         {"experiments: {}", "f.yml:1:1 this is no template"},
		"syntax":              {"service: [", "f.yml:2:1 not YAML"},
		"nothing":             {"", "f.yml there should be one document"},
		"no function":         {"Resources: {Q: {Type: 'AWS::SQS::Queue'}}", "the template has no function"},
		"unknown reference":   {fn + "      Description: !Ref Nope\n", `f.yml:7:20 "Nope" is neither`},
		"parameter":           {"Parameters: {P: {Type: String}}\n" + fn + "      Description: !Ref P\n", "f.yml:8:20 the parameter P has no default"},
		"circle of text":      {sls + "custom: {a: '${self:custom.b}', b: '${self:custom.a}'}\n    \n", ""},
		"circle":              {sls + "    description: ${self:custom.a}\ncustom: {a: '${self:custom.b}', b: '${self:custom.a}'}\n", "in circles"},
		"circle of condition": {"Conditions: {A: !Not [{Condition: A}]}\n" + strings.Replace(fn, "    Prop", "    Condition: A\n    Prop", 1), "in circles"},
		"no value":            {sls + "    memorySize: ${ssm:/size}\n", "f.yml:8:17 ${ssm:/size} has no value here"},
		"no number":           {sls + "    timeout: soon\n", `f.yml:8:14 there should be a whole number here, and there is "soon"`},
		"memory":              {sls + "    memorySize: 64\n", "f.yml:6:3 function f: 64 MB of memory is out of range"},
		"code elsewhere":      {fn + "      CodeUri: s3://bucket/key\n", `f.yml:7:16 "s3://bucket/key" lies elsewhere`},
		"bad path":            {sls + "    events: [{httpApi: 'GET /a/{b+}/c'}]\n", `because of "{b+}"`},
		"other cloud":         {strings.Replace(sls, "name: aws", "name: google", 1), `f.yml:3:9 the provider is "google"`},
		"a program":           {sls + "    description: ${file(x.js):y}\n", "x.js is a program"},
		"unknown layer":       {fn + "      Layers: [!Ref G]\n  G: {Type: 'AWS::SQS::Queue'}\n", `there is no layer "G"`},
		"twice":               {fn + "  G:\n    Type: AWS::Serverless::Function\n    Properties: {FunctionName: F, Runtime: nodejs20.x, Handler: a.b}\n", `f.yml:7:3 two functions are called "F"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := template.Read("f.yml", []byte(c.text), template.Options{})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var all []string
			for _, e := range flat(err) {
				var told *assay.Error
				if !errors.As(e, &told) || told.Hint == "" || !strings.HasPrefix(told.Where, "f.yml") {
					t.Fatalf("not for people: %v", e)
				}
				all = append(all, told.Where+" "+told.What)
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func flat(err error) []error {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range many.Unwrap() {
		all = append(all, flat(e)...)
	}
	return all
}

// FuzzRead wants an App or errors for people, in bounded time, whatever the text.
func FuzzRead(f *testing.F) {
	for _, file := range []string{"http-api.yml", "python-layer.yml", "sam.yaml", "cloudformation.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		app, err := template.Read("f", data, options())
		if err == nil && len(app.Functions) == 0 {
			t.Error("neither functions nor an error")
		}
		for _, e := range flat(err) {
			if err != nil && !errors.As(e, new(*assay.Error)) {
				t.Errorf("not for people: %v", e)
			}
		}
		for _, fn := range app.Functions {
			for _, route := range fn.Routes {
				if !strings.HasPrefix(route.Path, "/") {
					t.Errorf("the path %q", route.Path)
				}
			}
		}
	})
}
