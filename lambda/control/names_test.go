package control

import "testing"

func TestParseReference(t *testing.T) {
	for s, want := range map[string]Reference{
		"my-function_1":               {Name: "my-function_1"},
		"f:live":                      {Name: "f", Qualifier: "live"},
		"000000000000:function:f":     {Account: "000000000000", Name: "f"},
		FunctionARN("f") + ":$LATEST": {Region: "us-east-1", Account: "000000000000", Name: "f", Qualifier: "$LATEST"},
	} {
		if got, ok := ParseReference(s); !ok || got != want {
			t.Errorf("%s: %+v, want %+v", s, got, want)
		}
	}
	for _, s := range []string{"", "a b", "f:", "f:a:b", "arn:aws:s3:::f"} {
		if got, ok := ParseReference(s); ok {
			t.Errorf("%q: %+v", s, got)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"f", "f:1", "f:$LATEST", "000000000000:function:f", FunctionARN("f") + ":live", "arn:aws:lambda", "::", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, ok := ParseReference(s)
		if !ok {
			return
		}
		again, ok := ParseReference(ref.ARN())
		if !ok || again.Name != ref.Name || again.Qualifier != ref.Qualifier {
			t.Errorf("%q is %+v, and its ARN %q is %+v", s, ref, ref.ARN(), again)
		}
	})
}
