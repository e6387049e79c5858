package recording

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaylab/assay"
)

func readAll(t *testing.T, r Reader) []*assay.Trial {
	t.Helper()
	var all []*assay.Trial
	for {
		trial, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, trial)
	}
}

func open(t *testing.T, file, origin string) Reader {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(file, bytes.NewReader(data), Auto, origin)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is written is read again, packed or not, whatever bytes are in its bodies.
func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.UTC)
	trial := &assay.Trial{
		ID: "a", Experiment: "e", Version: 3, Since: 2, Time: at,
		Invocation: assay.Invocation{ID: "a", Received: at, Request: &assay.Request{
			Method: "POST", Path: "/a%20b", Query: "x=1&x=2", Header: assay.Header{"X-A": {"1", "2"}}, Body: []byte{0, 255, 10, 13},
		}},
		Control: assay.Observation{Status: 200, Body: []byte("\x89PNG"), Duration: time.Millisecond, Fault: &assay.Fault{Kind: assay.FaultTimeout}},
	}
	for _, pack := range []bool{false, true} {
		var file bytes.Buffer
		w, err := NewWriter(&file, pack)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := w.Write(trial); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := Open("file", &file, Auto, "")
		if err != nil {
			t.Fatal(err)
		}
		got := readAll(t, r)
		if len(got) != 3 {
			t.Fatalf("packed %v: %d of 3", pack, len(got))
		}
		if d := cmp.Diff(trial, got[2]); d != "" {
			t.Errorf("packed %v: %s", pack, d)
		}
	}
}

func TestAccessLogs(t *testing.T) {
	got := readAll(t, open(t, "combined.log", "https://shop.example.org/"))
	at := time.Date(2026, 10, 10, 20, 55, 36, 0, time.UTC)
	want := []*assay.Request{
		{Method: "GET", Scheme: "https", Host: "shop.example.org", Path: "/api/items/7", Query: "x=1&y=%20", Proto: "HTTP/1.1",
			Header: assay.Header{"Referer": {"http://example.org/start"}, "User-Agent": {`Mozilla/5.0 (X "quoted")`}}},
		{Method: "HEAD", Scheme: "http", Host: "other.example", Path: "/p", Proto: "HTTP/1.0", Header: assay.Header{}},
		{Method: "POST", Scheme: "https", Host: "shop.example.org", Path: "/api/items", Proto: "HTTP/2.0", Header: assay.Header{"User-Agent": {"curl/8.0"}}},
	}
	if len(got) != len(want) {
		t.Fatalf("%d requests, want %d: noise is left out", len(got), len(want))
	}
	for i, offset := range []time.Duration{0, 2 * time.Second, 4 * time.Second} {
		if d := cmp.Diff(want[i], got[i].Invocation.Request); d != "" {
			t.Errorf("request %d: %s", i, d)
		}
		if !got[i].Time.Equal(at.Add(offset)) {
			t.Errorf("request %d at %s, want %s after the first", i, got[i].Time, offset)
		}
		if got[i].Control.Status != 0 {
			t.Errorf("request %d: a log has no answer to compare with, this has status %d", i, got[i].Control.Status)
		}
	}
}

func TestHARFiles(t *testing.T) {
	got := readAll(t, open(t, "browser.har", ""))
	if len(got) != 2 {
		t.Fatalf("%d requests, want 2: data: never left the browser", len(got))
	}
	wantRequest := &assay.Request{Method: "POST", Scheme: "https", Host: "shop.example.org", Path: "/api/cart", Query: "x=1", Proto: "HTTP/2",
		Header: assay.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"id": 7}`)}
	if d := cmp.Diff(wantRequest, got[0].Invocation.Request); d != "" {
		t.Error(d)
	}
	started := time.Date(2026, 10, 10, 20, 55, 36, 500e6, time.UTC)
	wantControl := assay.Observation{Arm: "control", Role: assay.RoleControl, Started: started, Duration: 12500 * time.Microsecond, Status: 200,
		Header: assay.Header{"Content-Type": {"image/png"}, "Set-Cookie": {"a=1", "b=2"}}, Body: []byte{0, 1, 2}, BodySize: 3}
	if d := cmp.Diff(wantControl, got[0].Control); d != "" {
		t.Error(d)
	}
	if got[1].Invocation.Request.Path != "/" || got[1].Control.Status != 0 {
		t.Errorf("a request that the browser had no answer to: %+v", got[1])
	}
}

// What is no recording is named with its place.
func TestWhatIsNoRecordingIsNamed(t *testing.T) {
	line := `{"invocation":{"request":{"method":"GET","path":"/"}}}` + "\n"
	for name, tt := range map[string]struct {
		text   string
		format Format
		want   string
	}{
		"format":         {"", "pcap", `"pcap" is no format`},
		"broken line":    {line + `{"invocation":` + "\n", Auto, "x:2"},
		"no request":     {line + "\n{\"id\": \"a\"}\n", Auto, "x:3"},
		"long line":      {line + "{" + strings.Repeat(" ", maxLine) + "}\n", JSONLines, "longer than 32 MB"},
		"no log":         {"hello\n", Auto, "x:1"},
		"bad time":       {`1.2.3.4 - - [yesterday] "GET / HTTP/1.1" 200 1` + "\n", Auto, "yesterday"},
		"no HAR":         {`{"har": 1}`, HAR, "log"},
		"HAR of nothing": {`{"log": {"version": "1.2"}}`, Auto, "entries"},
		"entries":        {`{"log": {"entries": {}}}`, Auto, "not a list"},
		"HAR cut":        {`{"log": {"entries": [{"request": {"url": "http://a/"}},`, Auto, "entry 2"},
		"HAR address":    {`{"log": {"entries": [{"request": {"url": "http://a\u0000/"}}]}}`, Auto, "entry 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open("x", strings.NewReader(tt.text), tt.format, "")
			for err == nil {
				_, err = r.Next()
			}
			var flaw *assay.Error
			if !errors.As(err, &flaw) || !strings.Contains(err.Error(), tt.want) || flaw.Hint == "" {
				t.Errorf("got %v, want %q and a hint", err, tt.want)
			}
		})
	}
}

// Whatever a file holds, reading it ends without a panic, and every trial has a request with a path.
func FuzzOpen(f *testing.F) {
	for _, file := range []string{"combined.log", "browser.har"} {
		data, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"invocation":{"request":{"method":"GET","path":"/"}}}`))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Open("fuzz", bytes.NewReader(data), Auto, "http://origin")
		for err == nil {
			var trial *assay.Trial
			if trial, err = r.Next(); err == nil && trial.Invocation.Request == nil {
				t.Fatal("a trial without a request")
			}
		}
	})
}
