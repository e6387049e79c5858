package lambda

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestRingKeepsTheLastLines(t *testing.T) {
	r := &ring{}
	for i := range 100_000 {
		r.add(fmt.Appendf(nil, "line %d\n", i))
	}
	var log bytes.Buffer
	if err := r.copyTo(t.Context(), &log, false); err != nil {
		t.Fatal(err)
	}
	if log.Len() > ringBytes || log.Len() < ringBytes-20 || !strings.HasSuffix(log.String(), "line 99998\nline 99999\n") {
		t.Errorf("%d bytes, ending in %q", log.Len(), log.String()[log.Len()-30:])
	}
}

func TestRecorderSplitsLines(t *testing.T) {
	r := &recorder{ring: &ring{}}
	for _, s := range []string{"one\ntw", "o\n", "\n", "three"} {
		r.Write([]byte(s))
	}
	r.printf("END\n")
	r.Write(bytes.Repeat([]byte("x"), lineBytes+1))
	var log bytes.Buffer
	r.ring.copyTo(t.Context(), &log, false)
	if got, want := log.String(), "END\nxxx"; !strings.HasPrefix(got, "xxx") || len(got) != lineBytes+2 {
		t.Errorf("a line too long for the ring, by itself: %.20q, want one like %q", got, want)
	}
	lines := &recorder{ring: &ring{}}
	for _, s := range []string{"one\ntw", "o\n", "\n", "three"} {
		lines.Write([]byte(s))
	}
	lines.printf("END\n")
	log.Reset()
	lines.ring.copyTo(t.Context(), &log, false)
	if log.String() != "one\ntwo\n\nthree\nEND\n" {
		t.Errorf("log %q", &log)
	}
}

func TestTailIsTheLast4KB(t *testing.T) {
	r := &recorder{ring: &ring{}}
	r.Write([]byte("before\n"))
	r.begin()
	r.Write([]byte("short\n"))
	if got := string(r.last()); got != "short\n" {
		t.Errorf("tail %q", got)
	}
	for i := range 3000 {
		fmt.Fprintf(r, "line %d\n", i)
	}
	r.Write(bytes.Repeat([]byte("y"), 3*tailBytes))
	r.Write([]byte("end"))
	if got := r.last(); len(got) != tailBytes || !bytes.HasSuffix(got, []byte("yyend")) {
		t.Errorf("%d bytes ending in %q", len(got), got[len(got)-10:])
	}
}

func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"f", "f:1", "f:$LATEST", "000000000000:function:f", functionARN("f") + ":live", "arn:aws:lambda", "::", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, ok := parseReference(s)
		if !ok {
			return
		}
		again, ok := parseReference(ref.arn())
		if !ok || again.name != ref.name || again.qualifier != ref.qualifier {
			t.Errorf("%q is %+v, and its ARN %q is %+v", s, ref, ref.arn(), again)
		}
	})
}

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
		if got := string(withoutCause([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
