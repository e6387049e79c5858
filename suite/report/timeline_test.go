package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay/suite"
)

// two workers: one has a long test, the other three, of which one fails and one is run again.
var drawn = suite.Run{
	Name: "p <&>", Workers: 2, Wall: 5 * time.Second,
	Results: []suite.Result{
		{ID: "long", Status: suite.Pass, Start: 100, Call: 4, Worker: "x"},
		{ID: "a \x1b[31m<b>\"&", Status: suite.Fail, Start: 100, Call: 1, Worker: "y", Message: "]]> \x00"},
		{ID: "c", Status: suite.Flaky, Start: 102, Call: 0.5, Worker: "y", Attempts: []suite.Result{{ID: "c", Status: suite.Fail, Start: 101, Call: 1, Worker: "y"}}},
		{ID: "lost", Status: suite.Lost},
	},
}

func TestRows(t *testing.T) {
	var out strings.Builder
	if err := Rows(&out, drawn, 54, 10); err != nil {
		t.Fatal(err)
	}
	want := "w1    |████████████████████████████████████████| 100 %\n" +
		"w2    |█████████F█████████F█████               |  62 %\n" +
		"       0                                  4.00s\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if err := Rows(&out, drawn, 54, 1); err != nil || !strings.Contains(out.String(), "and 1 workers more") {
		t.Errorf("%v\n%s", err, out.String())
	}
	out.Reset()
	if err := Rows(&out, suite.Run{}, 54, 1); err != nil || out.Len() > 0 {
		t.Errorf("of nothing: %v, %q", err, out.String())
	}
}

// TestTimeline: the picture is well-formed whatever tests are called, has a row for each worker and a bar for
// each run of a test, and bars are where and as long as they ought to be.
func TestTimeline(t *testing.T) {
	var out strings.Builder
	if err := Timeline(&out, drawn); err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(out.String())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, out.String())
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				n[e.Name.Local+" "+a.Name.Local+"="+a.Value]++
			}
			n[e.Name.Local]++
		}
	}
	for what, want := range map[string]int{
		"g": 2, "rect class=bar longest": 1, "rect class=bar fail": 2, "rect class=bar flaky": 1, "rect x=64": 3, "rect x=342": 1, "rect width=1111.6": 1,
	} {
		if n[what] != want {
			t.Errorf("%d of %s, want %d\n%s", n[what], what, want, out.String())
		}
	}
	for _, empty := range []suite.Run{{}, {Results: []suite.Result{{ID: "l", Status: suite.Lost}}}} {
		if err := Timeline(io.Discard, empty); err != nil {
			t.Errorf("of nothing: %v", err)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, end := range []float64{1e-3, .7, 1, 12.3, 59, 3600, 99999} {
		all := ticks(end)
		if len(all) < 5 || len(all) > 13 || all[0] != 0 || all[len(all)-1] > end {
			t.Errorf("to %g: %v", end, all)
		}
	}
}

func TestBar(t *testing.T) {
	for want, got := range map[string]string{
		"[#################-----------------] 50 of 100, 2 failed, 8 workers, 1m30s left": Bar(50, 2, 100, 8, 90*time.Second, 80),
		"[########################################] 9 of 9, 0 failed, 1 worker":           Bar(9, 0, 9, 1, time.Second, 200),
		"50 of 100": Bar(50, 2, 100, 8, 0, 10),
		"":          Bar(50, 2, 100, 8, 0, 0),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
