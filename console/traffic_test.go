package console

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

// A recording is a line for each trial; what was missed is told at its end. Sent back, the lines are the
// same requests.
func TestARecordingComesOutAndGoesIn(t *testing.T) {
	lab := newFakeLab()
	w := call(t, newConsole(lab, nil), "GET", "/api/v1/experiments/rounding-float/recording", "")
	if got := w.Result().Trailer.Get("Assay-Missed"); got != "2" {
		t.Errorf("missed: %q, want 2", got)
	}
	lines := 0
	for s := bufio.NewScanner(strings.NewReader(w.Body.String())); s.Scan(); lines++ {
	}
	if lines != len(lab.trials) {
		t.Errorf("%d lines of %d trials", lines, len(lab.trials))
	}

	r := httptest.NewRequest("POST", "http://127.0.0.1:8090/api/v1/experiments/rounding-float/traffic?speed=2.5&concurrency=7&control=recorded", w.Body)
	r.Header["Assay-Set"] = []string{"authorization: Bearer x:y", "X-A: 1"}
	back := httptest.NewRecorder()
	newConsole(lab, nil).ServeHTTP(back, r)
	if told := decode[assay.Replayed](t, back); told.Requests != int64(lines) || told.Sampled != int64(lines) {
		t.Errorf("of %d lines came back: %+v", lines, told)
	}
	how := lab.replay
	if how.Speed != 2.5 || how.Concurrency != 7 || !how.Recorded || how.Header.Get("Authorization") != "Bearer x:y" || how.Header.Get("X-A") != "1" {
		t.Errorf("it was replayed as %+v", how)
	}
}

func TestWhatCannotBeReplayedIsRefused(t *testing.T) {
	for name, tt := range map[string]struct{ query, field, body, want string }{
		"speed":       {query: "speed=fast", want: "not a speed"},
		"endless":     {query: "speed=Inf", want: "not a speed"},
		"negative":    {query: "speed=-1", want: "not a speed"},
		"concurrency": {query: "concurrency=0", want: "not a number"},
		"field":       {field: "no colon", want: "not a header field"},
		"text":        {body: "GET / HTTP/1.1\n", want: "line 1"},
		"cut":         {body: `{"invocation":{"request":{"method":"GET","path":"/"}}}` + "\n" + `{"invocation":`, want: "line 2"},
		"no request":  {body: "{}\n", want: "no request"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "http://127.0.0.1:8090/api/v1/experiments/rounding-float/traffic?"+tt.query, strings.NewReader(tt.body))
			if tt.field != "" {
				r.Header.Set("Assay-Set", tt.field)
			}
			w := httptest.NewRecorder()
			newConsole(newFakeLab(), nil).ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%d %s, want 400 and %q", w.Code, w.Body, tt.want)
			}
		})
	}
}
