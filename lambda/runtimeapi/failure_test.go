package runtimeapi

import "testing"

func TestErrorTypeRule(t *testing.T) {
	for in, want := range map[string]string{
		"Runtime.ImportModuleError": "Runtime.ImportModuleError", "Function.MyError": "Function.MyError",
		"Function.42": "Function.Unknown", "ValueError": "Runtime.Unknown", "": "Runtime.Unknown", "xRuntime.Aa": "Runtime.Unknown",
	} {
		if got := knownErrorType(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestErrorCauseIsStripped(t *testing.T) {
	for in, want := range map[string]string{
		`{"errorMessage":"m","errorType":"T","stackTrace":["a"],"errorCause":{"x":1}}`: `{"errorMessage":"m","errorType":"T","stackTrace":["a"]}`,
		`nonsense`: `"Invalid error body"`,
	} {
		if got := rest(splitCause([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func rest(rest, _ []byte) string { return string(rest) }
