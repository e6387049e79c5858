package cluster

import (
	"fmt"
	"testing"
	"time"

	"github.com/assaylab/assay"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func differing(path string, kind assay.Kind, control, other string) assay.Difference {
	return assay.Difference{Path: path, Kind: kind, Control: control, Candidate: other}
}

func idOf(path string, status int, differences ...assay.Difference) string {
	t := &assay.Trial{Invocation: assay.Invocation{Request: &assay.Request{Method: "GET", Path: path}}, Control: assay.Observation{Status: 200}}
	c := &assay.Comparison{Observation: assay.Observation{Status: status}, Differences: differences}
	return ID(Of(t, c))
}

func TestSignaturesTellCausesApart(t *testing.T) {
	half := differing("body:$.rounded", assay.KindValue, "21", "20")
	base := idOf("/a/1", 200, half)
	excused := differing("body:$.id", assay.KindValue, "1", "2")
	excused.Ignored = "a rule"
	for name, same := range map[string]string{
		"other values of the sort": idOf("/a/1", 200, differing("body:$.rounded", assay.KindValue, "-5", "17")),
		"another thing's path":     idOf("/a/4711", 200, half),
		"an excused difference":    idOf("/a/1", 200, excused, half),
		"the place twice":          idOf("/a/1", 200, half, half),
	} {
		if same != base {
			t.Errorf("%s: another signature", name)
		}
	}
	for name, other := range map[string]string{
		"another place":   idOf("/a/1", 200, differing("body:$.number", assay.KindValue, "21", "20")),
		"another kind":    idOf("/a/1", 200, differing("body:$.rounded", assay.KindMissing, "21", "")),
		"another sort":    idOf("/a/1", 200, differing("body:$.rounded", assay.KindValue, "21", "20.5")),
		"another status":  idOf("/a/1", 500, half),
		"another route":   idOf("/b/1", 200, half),
		"one place more":  idOf("/a/1", 200, half, differing("body:$.x", assay.KindValue, "1", "2")),
		"another failure": idOf("/a/1", 200, differing("fault", assay.KindFault, "none", "timeout")),
	} {
		if other == base {
			t.Errorf("%s: the same signature", name)
		}
	}
}

func TestPlacesAreBounded(t *testing.T) {
	var many []assay.Difference
	for i := range 100 {
		many = append(many, differing(fmt.Sprintf("body:$.k%02d", i), assay.KindValue, "1", "2"))
	}
	got := Places(many)
	if len(got) != maxPlaces+1 || got[maxPlaces].Path != Other {
		t.Errorf("%d places: %+v", len(got), got)
	}
}

func TestRoute(t *testing.T) {
	for path, want := range map[string]string{
		"/orders/17/lines/3": "GET /orders/{id}/lines/{id}", "/v1/orders": "GET /v1/orders", "/": "GET /",
		"/u/6f1c2a9e-4d0b-4c7f-9a51-000000000001": "GET /u/{id}", "/c/deadbeefdeadbeef": "GET /c/{id}", "/cafe": "GET /cafe",
	} {
		if got := Route(&assay.Request{Method: "GET", Path: path}); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := Route(nil); got != "invoke" {
		t.Errorf("a direct call is %s", got)
	}
}

func TestGoneWhenItWouldHaveBeenSeen(t *testing.T) {
	for _, tt := range []struct {
		count, span, quiet int64
		gone               bool
	}{
		{50, 100, 10, false}, // too soon, however frequent it was
		{50, 100, 100, true},
		{1, 1000, 1000, false}, // one in a thousand may well stay away for a thousand
		{1, 1000, 4700, true},
		{10, 1000, 400, false},
		{10, 1000, 500, true},
		{1, 1, 100, true},
	} {
		if got := Gone(&assay.Cluster{Count: tt.count, Span: tt.span, Quiet: tt.quiet}); got != tt.gone {
			t.Errorf("%+v: gone %v", tt, got)
		}
	}
}

func TestJudge(t *testing.T) {
	seen := assay.Cluster{Arm: "a", ID: "x", Count: 50, Span: 100, Last: noon}
	quiet := seen
	quiet.Quiet = 1000
	masked := quiet
	masked.Signature.Places = []assay.Place{{Path: "status"}, {Path: "body:$.tags[*]"}}
	rules := []assay.Rule{{Path: "body:$.tags", Class: assay.ClassUnordered}}
	for _, tt := range []struct {
		name    string
		cluster assay.Cluster
		said    assay.ClusterState
		at      time.Time
		want    assay.ClusterState
		returns int64
	}{
		{"seen", seen, "", noon, assay.ClusterOpen, 0},
		{"not seen any more", quiet, "", noon, assay.ClusterFixed, 0},
		{"hidden by a rule", masked, "", noon, assay.ClusterExcused, 0},
		{"accepted", seen, assay.ClusterAccepted, noon.Add(-time.Hour), assay.ClusterAccepted, 0},
		{"said to be fixed", seen, assay.ClusterFixed, noon.Add(time.Hour), assay.ClusterFixed, 0},
		{"seen after it was fixed", seen, assay.ClusterFixed, noon.Add(-time.Hour), assay.ClusterOpen, 1},
		{"opened again", seen, assay.ClusterOpen, noon.Add(time.Hour), assay.ClusterOpen, 0},
		{"opened, and not seen", quiet, assay.ClusterOpen, noon.Add(time.Hour), assay.ClusterFixed, 0},
	} {
		clusters := []assay.Cluster{tt.cluster}
		var marks []assay.Mark
		if tt.said != "" {
			marks = []assay.Mark{{Arm: "a", ID: "x", State: string(tt.said), By: "ann", Time: tt.at}, {Arm: "b", ID: "x", State: "accepted"}}
		}
		Judge(clusters, rules, marks)
		if c := clusters[0]; c.State != tt.want || c.Returns != tt.returns {
			t.Errorf("%s: %s, %d returns", tt.name, c.State, c.Returns)
		}
	}
}
