package pages

import (
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func written(lines []changedLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(map[bool]string{true: "+", false: "-"}[l.Added] + l.Text + "\n")
	}
	return b.String()
}

func TestChangedLines(t *testing.T) {
	for _, tc := range []struct{ name, before, after, want string }{
		{"nothing", "a\nb\n", "a\nb\n", ""},
		{"a value", "a:\n  b: 1\n  c: 2\n", "a:\n  b: 3\n  c: 2\n", "-b: 1\n+b: 3\n"},
		{"a line more", "a\nc\n", "a\nb\nc\n", "+b\n"},
		{"a line fewer, at the end", "a\nb", "a", "-b\n"},
		{"all", "a", "b", "-a\n+b\n"},
		{"moved", "a\nb\nc", "b\nc\na", "-a\n+a\n"},
	} {
		if got := written(changedLines(tc.before, tc.after)); got != tc.want {
			t.Errorf("%s:\n%swant\n%s", tc.name, got, tc.want)
		}
	}
}

func TestTimelineOf(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	third := assay.Revision{Version: 3, Since: 2, Changed: at, State: assay.StatePaused, Definition: "sample: 5%"}
	second := assay.Revision{Version: 2, Since: 2, Changed: at, State: assay.StateRunning, Definition: "sample: 5%"}
	first := assay.Revision{Version: 1, Since: 1, Changed: at, State: assay.StateRunning, Definition: "sample: 1%"}
	all := timelineOf([]assay.Revision{third, second, first})
	if len(all) != 3 || !all[2].First || all[1].First {
		t.Fatalf("the entries are %+v", all)
	}
	if got := written(all[0].Lines); got != "-running\n+paused\n" || all[0].Anew {
		t.Errorf("a pause is told as %q", got)
	}
	if got := written(all[1].Lines); got != "-sample: 1%\n+sample: 5%\n" || !all[1].Anew {
		t.Errorf("another question is told as %q", got)
	}
	if cut := timelineOf([]assay.Revision{third, second}); len(cut) != 1 {
		t.Errorf("of the oldest version that is read it cannot be told what changed: %+v", cut)
	}
}
