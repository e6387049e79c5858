package own

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func TestQuestionTellsBoth(t *testing.T) {
	control := &assay.Observation{Status: 200, Header: assay.Header{"Content-Type": {"text/plain"}}, Duration: 1500 * time.Microsecond}
	candidate := &assay.Observation{Status: 500, Fault: &assay.Fault{Kind: assay.FaultCrash, Type: "Boom"}}
	text, err := Question(control, candidate, [2][]byte{[]byte("a"), {0xff}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"candidate":{"status":500,"body_base64":"/w==","fault":{"kind":"crash","type":"Boom"},"duration_ms":0},` +
		`"control":{"status":200,"header":{"Content-Type":["text/plain"]},"body":"a","duration_ms":1.5}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestAnswers(t *testing.T) {
	long := strings.Repeat("x", 300)
	for text, want := range map[string]string{
		`[]`:     `[]`,
		" [] \n": `[]`,
		`[{}]`:   `[{"path":"command:x","kind":"value"}]`,
		`[{"path":"b"},{"path":"a","kind":"missing","control":"1","detail":"d"}]`: `[{"path":"command:x:a","kind":"missing","control":"1","detail":"d"},{"path":"command:x:b","kind":"value"}]`,
		`[{"control":"` + long + `"}]`:                                            `[{"path":"command:x","kind":"value","control":"` + long[:200] + `…"}]`,

		``:                      `it wrote nothing`,
		`null`:                  `no list of differences`,
		`{}`:                    `no list of differences`,
		`[1]`:                   `no list of differences`,
		`[{"where":"a"}]`:       `no list of differences`,
		`[] []`:                 `more than one document`,
		`[]x`:                   `more than one document`,
		`[{"kind":"failed"}]`:   `a kind that is not known`,
		"[{\"path\":\"\xff\"}]": `not UTF-8`,
		`[{"path":"` + strings.Repeat("p", 1025) + `"}]`: `a path of more than 1024 bytes`,
		`[` + strings.Repeat(`{},`, 1000) + `{}]`:        `1001 differences`,
	} {
		found, err := Answer([]byte(text), "command:x")
		got, _ := json.Marshal(found)
		if found == nil {
			got = []byte("[]")
		}
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: got %s, want %s", text, got, want)
		}
	}
}

// FuzzAnswer: whatever code writes, it is an error, or differences at the code's own place.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`[{"path":"a","kind":"type","control":"1","candidate":"true","detail":"x"}]`))
	f.Add([]byte(`[{"kind":"failed"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := Answer(text, "wasm:y")
		if err != nil && found != nil {
			t.Error("both differences and an error")
		}
		for _, d := range found {
			if d.Path != "wasm:y" && !strings.HasPrefix(d.Path, "wasm:y:") || d.Kind == assay.KindFailed || d.Ignored != "" {
				t.Errorf("%+v", d)
			}
		}
	})
}

func TestOutputIsBounded(t *testing.T) {
	var o Output
	for range 3 {
		o.Write(make([]byte, MaxAnswer/2))
	}
	if _, err := o.Text(); err == nil || len(o.text) != MaxAnswer || o.Size != MaxAnswer/2*3 {
		t.Errorf("%d kept of %d, %v", len(o.text), o.Size, err)
	}
}

// TestFailuresAreToldOnce: at the first failure, and when it works again.
func TestFailuresAreToldOnce(t *testing.T) {
	var log strings.Builder
	answer := "nonsense"
	c := &Comparator{
		Place: "command:x", Log: slog.New(slog.NewTextHandler(&log, nil)),
		Run:    func([]byte) ([]byte, error) { return []byte(answer), nil },
		See:    func(o *assay.Observation) *assay.Observation { return o },
		Decode: func(o *assay.Observation) ([]byte, error) { return o.Body, nil },
	}
	var o assay.Observation
	for range 3 {
		if found := c.Compare(&o, &o); len(found) != 1 || found[0].Kind != assay.KindFailed || found[0].Path != "command:x" {
			t.Fatalf("%+v", found)
		}
	}
	answer = "[]"
	if found := c.Compare(&o, &o); found != nil {
		t.Errorf("%+v", found)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 2 {
		t.Errorf("%d lines:\n%s", lines, &log)
	}
}
