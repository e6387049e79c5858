package console

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/assaylab/assay"
)

// browser starts a headless Chromium, and collects what its pages complain about: exceptions, calls
// of the console, and what the content-security policy refused.
func browser(t *testing.T) (ctx context.Context, complaints func() []string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is needed: apt-get install chromium")
		}
		t.Skip("no chromium here: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // first: waits for the process
	var mu sync.Mutex
	var said []string
	err = chromedp.Listen(ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			said = append(said, ev.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			said = append(said, string(ev.Type))
		case *log.EventEntryAdded:
			said = append(said, ev.Entry.Text+" "+ev.Entry.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return said
	}
}

// visit is a page in the browser. Each step fails the test when it does not come true.
type visit struct {
	t   *testing.T
	ctx context.Context
}

func (v visit) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.t.Fatal(err)
	}
}

// until waits for a condition in JavaScript.
func (v visit) until(condition string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, time.Minute)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		text, _ := chromedp.Run(v.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		v.t.Fatalf("%s: %v\n%s", condition, err, text)
	}
}

func TestLivePage(t *testing.T) {
	ctx, complaints := browser(t)
	v := visit{t, ctx}
	lab := newFakeLab()
	c := newConsole(lab, nil)
	server := httptest.NewServer(c)
	defer server.Close()
	defer c.Close()

	v.do(chromedp.Navigate(server.URL))
	v.until(`document.querySelector("[data-connection=live]") !== null`)
	v.until(`document.querySelector("main").innerText.includes("50 of 1,000 differ")`)

	// Numbers follow the laboratory in place: the same elements, and what is being typed stays.
	v.do(chromedp.Evaluate[chromedp.Void](`window.kept = document.querySelector(".arms td.match .rate"); document.querySelector("input[name=sample]").value = "12"`))
	lab.change(func(r *assay.Report) {
		r.Counts.Requests = 4242
		r.Counts.Arms = append([]assay.ArmCounts(nil), r.Counts.Arms...)
		r.Counts.Arms[3].Matches, r.Counts.Arms[3].Mismatches = 940, 60
	})
	v.until(`document.querySelector("main").innerText.includes("4,242") && document.querySelector("main").innerText.includes("60 of 1,000 differ")`)
	v.until(`window.kept.isConnected && document.querySelector("input[name=sample]").value === "12"`)

	// The controls change the experiment, and say what is wrong.
	v.do(chromedp.Click("#experiment-rounding-float .controls button:not([name])"))
	v.until(`document.querySelector("#experiment-rounding-float .facts dd").innerText === "12%"`)
	v.do(chromedp.Click("#experiment-rounding-float button[name=state]"))
	v.until(`document.querySelector("#experiment-rounding-float .state").innerText.includes("paused")`)
	v.do(chromedp.SetValue("#experiment-rounding-float input[name=sample]", "lots"), chromedp.Click("#experiment-rounding-float .controls button:not([name])"))
	v.until(`document.querySelector("#experiment-rounding-float output").innerText.includes("not a share")`)
	if got := complaints(); len(got) != 1 { // the refused change alone: the browser notes each 400
		t.Errorf("the page complains: %q", got)
	}

	c.Close()
	server.CloseClientConnections()
	server.Close()
	v.until(`document.querySelector("[data-connection=lost]")?.innerText.includes("retrying")`)
}

// TestFormsOfDifferences: forms make their call and show the page anew, or say what is wrong.
func TestFormsOfDifferences(t *testing.T) {
	ctx, _ := browser(t)
	v := visit{t, ctx}
	lab := newFakeLab()
	c := newConsole(lab, nil)
	server := httptest.NewServer(c)
	defer server.Close()
	defer c.Close()
	const accept = `form[aria-label^="Accept rule"] `
	v.do(chromedp.Navigate(server.URL + "/experiments/rounding-float/differences"))
	v.do(chromedp.SetValue(accept+"input[name=owner]", "ann"), chromedp.SetValue(accept+"input[name=expires]", "2027-01-31"), chromedp.Click(accept+"button"))
	v.until(`document.querySelector("form[aria-label^='Accept rule'] input[name=owner]").value === ""`)
	v.do(chromedp.SetValue("form[aria-label^='State of cluster'] input[name=by]", "ann"), chromedp.Click("form[aria-label^='State of cluster'] button[value=accepted]"))
	v.until(`document.querySelector("form[aria-label^='State of cluster'] input[name=by]").value === ""`)
	v.do(chromedp.SetValue("textarea[name=rules]", "comparators:\n- bogus:\n"), chromedp.Click(".whatif button"), chromedp.WaitVisible(".faultbox"))
	v.until(`document.querySelector(".faultbox").innerText.includes("rules:2:3") && document.querySelector("textarea").value.includes("bogus")`)
	lab.reading.mu.Lock()
	defer lab.reading.mu.Unlock()
	if a := lab.reading.accepted; len(a) != 1 || a[0].Owner != "ann" || a[0].Class != assay.ClassTimestamp {
		t.Errorf("accepted %+v", a)
	}
	if m := lab.reading.marks; len(m) != 1 || m[0].State != "accepted" || m[0].By != "ann" || m[0].Arm != "candidate-2" {
		t.Errorf("marks %+v", m)
	}
}

// TestStreamsFollowSight: a page that nobody sees has no stream of events, one that is seen has one.
func TestStreamsFollowSight(t *testing.T) {
	ctx, complaints := browser(t)
	v := visit{t, ctx}
	c := newConsole(newFakeLab(), nil)
	server := httptest.NewServer(c)
	defer server.Close()
	defer c.Close()
	const unseen = `
		window.unseen = true;
		window.streams = [];
		Object.defineProperty(document, "hidden", { get: () => window.unseen });
		const Real = EventSource;
		window.EventSource = class extends Real { constructor(at) { super(at); window.streams.push(this); } };
		window.sight = (seen) => { window.unseen = !seen; document.dispatchEvent(new Event("visibilitychange")); };
		window.open_streams = () => window.streams.filter((s) => s.readyState !== Real.CLOSED).length;`
	script := cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: unseen}
	if _, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, script); err != nil {
		t.Fatal(err)
	}
	v.do(chromedp.Navigate(server.URL))
	v.until(`document.readyState === "complete" && window.open_streams() === 0`)
	v.do(chromedp.Evaluate[chromedp.Void](`window.sight(true); window.sight(true)`))
	v.until(`window.open_streams() === 1 && document.querySelector("[data-connection=live]") !== null`)
	v.do(chromedp.Evaluate[chromedp.Void](`window.sight(false)`))
	v.until(`window.open_streams() === 0`)
	if got := complaints(); len(got) != 0 {
		t.Errorf("the page complains: %q", got)
	}
}

func TestPagesInABrowser(t *testing.T) {
	ctx, complaints := browser(t)
	v := visit{t, ctx}
	c := newConsole(newFakeLab(), nil)
	server := httptest.NewServer(c)
	defer server.Close()
	defer c.Close()
	for _, path := range []string{"/", "/experiments/rounding-float", "/experiments/rounding-float/differences", "/trials/6f1c2a9e-4d0b-4c7f-9a51-000000000000",
		"/trials/0c0ffee0-0000-4000-8000-000000000000", "/trials/e0000000-0000-4000-8000-000000000000", "/functions"} {
		for _, width := range []int64{320, 1280} {
			v.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(server.URL+path))
			v.until(fmt.Sprintf("document.documentElement.scrollWidth <= %d", width))
			v.until(`[...document.images].every((i) => i.complete && i.naturalWidth > 0)`)
			v.until(`document.title.endsWith("· Assay")`) // no script of a stranger ran
		}
	}
	if got := complaints(); len(got) != 0 {
		t.Errorf("the pages complain: %q", got)
	}
}
