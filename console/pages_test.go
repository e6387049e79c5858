package console

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/assaylab/assay"
)

func TestPagesShowWhatIsKnown(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	for path, want := range map[string][]string{
		"/": {"rounding-float", "Round python-3-round", "python3.12 · 256 MB", "refuted", "50 of 1,000 trials mismatch", "95%", "$0.81", "312 queue full, 4 too large",
			"by header:x-user", "127.0.0.1:9000/qr", "12 timeout"},
		"/experiments/rounding-float": {"between 3.7% and 6.6%", "allowed: up to 0.1%", "latency p99 &lt;= 110%", "90% – ∞", "body:$.rounded_number",
			"What would change it", "/trials/6f1c2a9e-4d0b-4c7f-9a51-000000000000", "cursor=25", "path: round", "version 3"},
		"/experiments/rounding-float?outcome=match":                             {"No trial of this kind is kept"},
		"/experiments/rounding-float?cursor=25&outcome=":                        {"cursor=50", "Newest"},
		"/trials/6f1c2a9e-4d0b-4c7f-9a51-000000000000":                          {"number=20.5", "ignore $.requestId", `  &#34;rounded_number&#34;: 2<mark>0</mark>`, "/trials/6f1c2a9e-4d0b-4c7f-9a51-000000000000/reproduction/candidate-2", "cold, init 91.0 ms", "round(20.5) = 20"},
		"/trials/0c0ffee0-0000-4000-8000-000000000000":                          {"1 of 841 pixels", "/images/control", "/images/wrong", "/pixels/wrong"},
		"/trials/dead0000-0000-4000-8000-000000000000":                          {"Sandbox.Timedout", "3,000 ms", "No body."},
		"/trials/0c0ffee0-0000-4000-8000-000000000000?view=swipe":               {`data-view="swipe"`, `value="swipe" checked`},
		"/trials/6f1c2a9e-4d0b-4c7f-9a51-000000000000/reproduction/candidate-2": {"curl -sS &#39;&lt;x&gt;&#39;", "Go test", "Authorization was redacted", "data-reproduce"},
		"/functions/control-round":                                              {"as released", "10% to version 8", "2026/11/20/[7]abcdef", "41 of 128 MB", "START RequestId: 1", "<option>live</option>", "PASSWORD", "data-try"},
		"/functions/candidate-round-go":                                         {"bootstrap: no such file", "None lives"},
		"/functions":                                                            {"control-round", "bootstrap: no such file", "provided.al2023"},
		"/experiments/rounding-float?candidate=candidate-2":                     {`value="candidate-2" selected`},
		"/experiments/rounding-float?path=body%3A%24.x%22":                      {`value="body:$.x&#34;"`},
		"/experiments/rounding-float?outcome=match&cursor=0":                    {`value="match" selected`},
	} {
		w := call(t, c, "GET", path, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		for _, text := range want {
			if !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s does not show %q", path, text)
			}
		}
		if strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s tells a secret", path)
		}
		if strings.Contains(w.Body.String(), " style=") || strings.Contains(w.Body.String(), "ZgotmplZ") {
			t.Errorf("%s holds what its policy forbids", path)
		}
	}
}

func TestRolloutsPage(t *testing.T) {
	lab := newFakeLab()
	lab.change(func(r *assay.Report) {
		r.Experiment.Rollout = &assay.Rollout{Candidate: "candidate-1", Canary: []float64{0.01, 0.5, 1}}
		r.Rollout = &assay.Standing{Experiment: "rounding-float", Candidate: "candidate-1", Stage: assay.StageCanary, Step: 1, Weight: 0.5, Entered: noon,
			Reason: "it did well", Control: assay.Served{Requests: 900}, Canary: assay.Served{Requests: 100, Errors: 3}}
	})
	c := newConsole(lab, nil)
	for _, path := range []string{"/rollouts", "/rollouts?experiment=rounding-float", "/experiments/rounding-float"} {
		body := call(t, c, "GET", path, "").Body.String()
		for _, want := range []string{`<li class="done">shadow`, `<li class="here" aria-current="step">50%</li>`, `<li class="">promoted</li>`, "Round Python3-math serves 50%", "it did well",
			`value="rollback" data-ask="Roll `, "it holds aside", "shadow → canary"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not show %q", path, want)
			}
		}
	}
	if w := call(t, c, "GET", "/api/v1/experiments/rounding-float/charts/rollout?format=csv", ""); !strings.Contains(w.Body.String(), "Time,Round Python3-math\n2026-11-20T12:00:00Z,0.01") {
		t.Errorf("chart: %s", w.Body)
	}
	if w := call(t, c, "GET", "/rules?experiment=nope", ""); w.Code != 404 {
		t.Errorf("rules of nothing: %d", w.Code)
	}
}

func TestEmptyPagesSayWhatToDo(t *testing.T) {
	c := newConsole(&fakeLab{}, func(o *Options) { o.Functions = &fakeEngine{} })
	for path, want := range map[string]string{"/": "assay apply --console 127.0.0.1:8090 -f assay.yaml", "/functions": "assay apply -f", "/rules": "There is no experiment", "/rollouts": "canary: 1%"} {
		if w := call(t, c, "GET", path, ""); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
}

func TestProblemPages(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	for path, want := range map[string]int{
		"/nope": 404, "/experiments/nope": 404, "/trials/nope": 404, "/experiments/qr?limit=x": 400, "/static/x/nope": 404,
		"/trials/nope/images/control": 404,
	} {
		if w := call(t, c, "GET", path, ""); w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// A trial of which nothing but the outcome is kept, made by an experiment that is gone.
func TestTrialWithoutBodies(t *testing.T) {
	lab := newFakeLab()
	bare := roundingTrial(0)
	bare.ID, bare.Experiment, bare.Bodies, bare.Invocation.Request = "bare", "gone", false, nil
	bare.Control.Body, bare.Candidates[0].Observation.Body = nil, nil
	bare.Secondary = &assay.Comparison{Observation: answer("control", assay.RoleSecondary, "")}
	lab.trials = append(lab.trials, bare)
	w := call(t, newConsole(lab, nil), "GET", "/trials/bare", "")
	for _, want := range []string{"were not kept", "Invoked directly", "Control, called again", "candidate-2"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// ours are the scripts that pages load.
var ours = regexp.MustCompile(`<script (type="module" )?src="/static/[0-9a-f]+/[a-z]+\.js"( defer)?></script>`)

// Whatever a stranger's function or request says, it stays text.
func TestMarkupIsInert(t *testing.T) {
	lab := newFakeLab()
	const evil = `"><script>alert(1)</script>`
	lab.change(func(r *assay.Report) {
		r.Experiment.Control.Title = evil
		r.Experiment.Path = evil
		r.Counts.Arms[3].Paths = []assay.PathCount{{Path: evil, Kind: "value", Mismatches: 1}}
		r.Verdicts = map[string]assay.Verdict{"candidate-2": {Outcome: assay.Refuted, Reason: evil}}
	})
	c := newConsole(lab, nil)
	for _, path := range []string{"/", "/experiments/rounding-float", "/trials/e0000000-0000-4000-8000-000000000000",
		"/experiments/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/experiments/rounding-float?path=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"} {
		body := ours.ReplaceAllString(call(t, c, "GET", path, "").Body.String(), "")
		if strings.Contains(body, "<script") || strings.Contains(body, "<img src=x") || strings.Contains(body, `onerror="document`) {
			t.Errorf("%s is not inert:\n%s", path, body)
		}
	}
}

func TestImagesAreImagesOnly(t *testing.T) {
	lab := newFakeLab()
	svg := qrTrial()
	svg.ID = "svg"
	svg.Control.Body = []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	svg.Control.Header = assay.Header{"Content-Type": {"image/png"}}
	lab.trials = append(lab.trials, svg)
	c := newConsole(lab, nil)
	const qr = "/trials/0c0ffee0-0000-4000-8000-000000000000"
	for path, want := range map[string]int{
		qr + "/images/control": 200, qr + "/images/wrong": 200, qr + "/pixels/wrong": 200,
		qr + "/images/secondary": 404, qr + "/images/nope": 404, qr + "/pixels/nope": 404,
		"/trials/svg/images/control": 404, "/trials/svg/pixels/wrong": 404,
		"/trials/e0000000-0000-4000-8000-000000000000/images/control": 404,
	} {
		w := call(t, c, "GET", path, "")
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
		if want != 200 {
			continue
		}
		h := w.Header()
		if h.Get("Content-Type") != "image/png" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasSuffix(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if w := call(t, c, "GET", qr+"/images/wrong", ""); !bytes.Equal(w.Body.Bytes(), picture(true)) {
		t.Error("another picture")
	}
}

func TestAssetsAreCachedByContent(t *testing.T) {
	c := newConsole(newFakeLab(), nil)
	_, after, _ := strings.Cut(call(t, c, "GET", "/", "").Body.String(), `rel="stylesheet" href="`)
	now, _, _ := strings.Cut(after, `"`)
	for path, want := range map[string]string{now: "immutable", "/static/old/app.css": "no-store"} {
		w := call(t, c, "GET", path, "")
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), want) {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestSampleFieldIsExact(t *testing.T) {
	lab := newFakeLab()
	lab.reports[0].Experiment.Sample.Rate = 0.00001
	if body := call(t, newConsole(lab, nil), "GET", "/", "").Body.String(); !strings.Contains(body, `name="sample" value="0.001%"`) {
		t.Error("the field does not hold the rate as it is")
	}
}

func TestPathsLinkToTheirTrials(t *testing.T) {
	lab := newFakeLab()
	paths := &lab.reports[0].Counts.Arms[3].Paths
	*paths = append(*paths, assay.PathCount{Path: "body:$.requestId", Kind: assay.KindValue, Ignored: 1000})
	body := call(t, newConsole(lab, nil), "GET", "/experiments/rounding-float", "").Body.String()
	for _, link := range []string{
		"?candidate=candidate-2&amp;outcome=mismatch&amp;path=body%3A%24.rounded_number#trials",
		"?candidate=candidate-2&amp;outcome=&amp;path=body%3A%24.requestId#trials",
	} {
		if !strings.Contains(body, link) {
			t.Errorf("no link to %s", link)
		}
	}
}

// sized is a picture of nothing that claims to have a size.
func sized(width, height uint32) []byte {
	data := picture(false)
	header := data[12:29] // type and content of IHDR
	binary.BigEndian.PutUint32(header[4:], width)
	binary.BigEndian.PutUint32(header[8:], height)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(header))
	return data
}

func TestPixelLinksLeadSomewhere(t *testing.T) {
	for _, tc := range []struct {
		name           string
		control, other []byte
		kind           assay.Kind
		want           bool
	}{
		{"small", picture(false), picture(true), assay.KindPixels, true},
		{"large", sized(5000, 4000), sized(5000, 4000), assay.KindPixels, true},
		{"too large", sized(5000, 5001), sized(5000, 4000), assay.KindSize, false},
		{"cannot be decoded", picture(false), picture(true), assay.KindMalformed, false},
	} {
		lab := newFakeLab()
		trial := qrTrial()
		trial.ID, trial.Control.Body, trial.Candidates[0].Observation.Body = "sized", tc.control, tc.other
		trial.Candidates[0].Differences[0].Kind = tc.kind
		lab.trials = append(lab.trials, trial)
		c := newConsole(lab, nil)
		linked := strings.Contains(call(t, c, "GET", "/trials/sized", "").Body.String(), "/trials/sized/pixels/wrong")
		if linked != tc.want {
			t.Errorf("%s: linked %v", tc.name, linked)
		}
		if code := call(t, c, "GET", "/trials/sized/pixels/wrong", "").Code; linked && code != http.StatusOK {
			t.Errorf("%s: the link leads to %d", tc.name, code)
		}
	}
}

func TestDoneIsShown(t *testing.T) {
	lab := newFakeLab()
	for i := range lab.reports {
		lab.reports[i].Experiment.State = assay.StateDone
	}
	body := call(t, newConsole(lab, nil), "GET", "/", "").Body.String()
	for _, text := range []string{`<span class="state done">done</span>`, `<span class="badge refuted">`, `<span class="badge inconclusive">`} {
		if !strings.Contains(body, text) {
			t.Errorf("the overview does not show %s", text)
		}
	}
	if strings.Contains(body, "data-patch") {
		t.Error("what is done can be changed")
	}
}

// What a verdict has not decided, supposes and has not seen stands beside it.
func TestVerdictsAreExplained(t *testing.T) {
	lab := newFakeLab()
	estimate := 0.972
	lab.change(func(r *assay.Report) {
		r.Verdicts = map[string]assay.Verdict{"candidate-2": {
			Outcome: assay.Inconclusive, Reason: "not yet", Needs: &assay.Needs{Trials: 3400, More: 1200},
			Assumed: []string{"labels could be exchanged"}, NotSeen: []string{"no cold start of the candidate"},
			Strata: []assay.Stratum{{Name: "warm", Trials: 900, Mismatches: 9, Interval: [2]float64{.004, .02}}, {Name: "cold"}},
			Evidence: assay.Evidence{Checks: []assay.Check{{Clause: "latency p50 <= 105%", Conclusion: assay.Holds,
				Interval: [2]float64{.95, .99}, Estimate: &estimate, Effect: assay.Equivalent}}},
		}}
	})
	page := call(t, newConsole(lab, nil), "GET", "/experiments/rounding-float", "").Body.String()
	for _, want := range []string{
		"about 3,400 in all, 1,200 more", "Assumed: labels could be exchanged", "Not seen: no cold start of the candidate",
		"9 of 900 warm trials mismatch (0.4% – 2%); no cold trial yet", `<td data-label="Effect">equivalent</td>`, "97.2%",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
