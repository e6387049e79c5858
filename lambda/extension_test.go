package lambda

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

// layered is a function with a layer that brings an extension, which says what it hears in the log.
type layered struct {
	lab
	function string
}

func withExtension(t *testing.T, opts Options, fn assay.Function, do string) layered {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(built(t, "extension"), "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	fn.Environment = map[string]string{"EXTENSION_DO": do, "GREETING": "hello"}
	l := layered{newLab(t, opts, fn), fn.Name}
	l.layer(fn.Name, map[string]string{"extensions/watcher": string(content)})
	return l
}

// layer gives a function a further layer with the files, which may be executed.
func (l lab) layer(name string, files map[string]string) {
	l.t.Helper()
	var zipped bytes.Buffer
	w := zip.NewWriter(&zipped)
	for path, content := range files {
		header := zip.FileHeader{Name: path, Method: zip.Store}
		header.SetMode(0o755)
		f, err := w.CreateHeader(&header)
		if err != nil {
			l.t.Fatal(err)
		}
		f.Write([]byte(content))
	}
	w.Close()
	ctx := l.t.Context()
	published, err := l.PublishLayerVersion(ctx, fmt.Sprintf("layer-%d", zipped.Len()), control.PublishLayerVersionInput{Content: control.FunctionCode{ZipFile: zipped.Bytes()}})
	if err != nil {
		l.t.Fatal(err)
	}
	old, err := l.GetFunctionConfiguration(name, "")
	if err != nil {
		l.t.Fatal(err)
	}
	layers := []string{published.LayerVersionArn}
	for _, layer := range old.Layers {
		layers = append(layers, layer.Arn)
	}
	if _, err := l.UpdateFunctionConfiguration(ctx, name, control.UpdateFunctionConfigurationInput{Layers: &layers}); err != nil {
		l.t.Fatal(err)
	}
}

func (l layered) heard() string {
	var heard strings.Builder
	for line := range strings.Lines(l.logs(l.function)) {
		if text, ok := strings.CutPrefix(line, "heard: "); ok {
			heard.WriteString(text)
		}
	}
	return heard.String()
}

// await waits until the extension has written something.
func (l layered) await(what string) {
	l.t.Helper()
	for range 1000 {
		if strings.Contains(l.heard(), what) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.t.Errorf("no %q in:\n%s", what, l.heard())
}

func (l layered) logs(name string) string {
	var log bytes.Buffer
	l.Logs(l.t.Context(), name, assay.LogQuery{}, &log)
	return log.String()
}

func TestExtensionHearsAll(t *testing.T) {
	l := withExtension(t, Options{}, goFn(t), "")
	for range 2 {
		if o := l.call("go", m{}); o.Fault != nil {
			t.Fatalf("fault %+v", o.Fault)
		}
		l.awaitIdle("go", 1)
	}
	l.close()
	want := "registered {\"functionName\":\"go\",\"functionVersion\":\"$LATEST\",\"handler\":\"bootstrap\"}\nhandler false, greeting hello\nINVOKE \nINVOKE \nSHUTDOWN spindown\nleft true\n"
	if got := l.heard(); got != want {
		t.Errorf("heard %s", got)
	}
	if log := l.logs("go"); !like(log, "INIT_START …the extension says hello\n…EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE,SHUTDOWN]\nSTART …") {
		t.Errorf("log %s", log)
	}
}

func TestInvocationLastsUntilExtensionsAreDone(t *testing.T) {
	l := withExtension(t, Options{Concurrency: 1}, goFn(t), "slow")
	l.call("go", m{})
	if strings.Contains(l.heard(), "slept") {
		t.Error("the caller waited for the extension")
	}
	if o := l.call("go", m{}); o.Fault != nil || strings.Count(l.heard(), "slept") != 1 {
		t.Errorf("the next caller did not: %+v, heard %s", o, l.heard())
	}
}

func TestExtensionsThatFail(t *testing.T) {
	for do, want := range map[string]struct{ fault, message, heard string }{
		"exit before registering": {"Extension.Crash", "RequestId: … Error: exit status 3", ""},
		"init error":              {"Extension.InitError", "RequestId: … Error: Extension.NoConfig", "registered"},
		"crash":                   {"", "", "INVOKE"},
		"exit error":              {"", "", "INVOKE"},
	} {
		t.Run(do, func(t *testing.T) {
			fn := goFn(t)
			l := withExtension(t, Options{}, fn, do)
			event := m{}
			if want.fault == "" { // in the middle of an invocation
				event = m{"Sleep": 10000}
				want.fault, want.message = "Extension.Crash", "RequestId: … Error: exit status 7"
				if do == "exit error" {
					want.fault, want.message = "Extension.ExitError", "RequestId: … Error: Extension.NoDisk"
				}
			}
			o := l.call("go", event)
			if o.Fault == nil || o.Fault.Kind != assay.FaultCrash || o.Fault.Type != want.fault || !like(o.Fault.Message, want.message) {
				t.Errorf("fault %+v", o.Fault)
			}
			if !strings.Contains(l.heard(), want.heard) {
				t.Errorf("heard %s", l.heard())
			}
		})
	}
}

func TestExtensionThatNeverRegistersIsTimedOut(t *testing.T) {
	l := withExtension(t, Options{}, goFn(t), "never register")
	cv, err := l.Version("go", "")
	if err != nil {
		t.Fatal(err)
	}
	l.load(t.Context(), cv)
	v := newEnvironment(l.Engine, l.functions["go"].pools[latest])
	if err := v.open(); err != nil {
		t.Fatal(err)
	}
	defer v.box.Close()
	if f := v.initialize(newExchange(t.Context(), Call{}), 200*time.Millisecond, "init"); f == nil || f.status != "timeout" {
		t.Errorf("failure %+v", f)
	}
}

func TestExtensionsAreToldOfTimeouts(t *testing.T) {
	fn := goFn(t)
	fn.Timeout = 300 * time.Millisecond
	l := withExtension(t, Options{}, fn, "")
	if o := l.call("go", m{"Sleep": 60000}); o.Fault == nil || o.Fault.Kind != assay.FaultTimeout {
		t.Errorf("fault %+v", o.Fault)
	}
	l.await("SHUTDOWN timeout\nleft true\n")
	if o := l.call("go", m{}); o.Fault != nil || !o.Cold {
		t.Errorf("after: %+v", o)
	}
	l.close()
	if n := strings.Count(l.heard(), "registered"); n != 2 {
		t.Errorf("%d instances, want 2 in the one environment", n)
	}
}

func TestExtensionsThatLingerAreKilled(t *testing.T) {
	l := withExtension(t, Options{}, goFn(t), "linger")
	l.call("go", m{})
	l.awaitIdle("go", 1)
	began := time.Now()
	l.close()
	if took := time.Since(began); took < graceExternal || !strings.Contains(l.heard(), "SHUTDOWN") {
		t.Errorf("after %v; heard %s", took, l.heard())
	}
}

func TestTheDisableFileTurnsExtensionsOff(t *testing.T) {
	l := withExtension(t, Options{}, goFn(t), "")
	l.layer("go", map[string]string{disabledExtensions: ""})
	if o := l.call("go", m{}); o.Fault != nil || l.heard() != "" {
		t.Errorf("fault %+v, heard %s", o.Fault, l.heard())
	}
}

// The extension asks for its next event only when telemetry has told it that the runtime is done.
func TestTelemetryReachesExtensions(t *testing.T) {
	fn := pythonFn(t, "app.handler")
	l := withExtension(t, Options{}, fn, "telemetry")
	if o := l.call("python", m{"do": "print"}); o.Fault != nil {
		t.Fatalf("fault %+v", o.Fault)
	}
	l.awaitIdle("python", 1)
	if o := l.call("python", m{"do": "fail"}); o.Fault == nil {
		t.Fatal("no fault")
	}
	l.awaitIdle("python", 1)
	for _, want := range []string{
		`subscribed "OK"`,
		`telemetry platform.initStart {"initializationType":"on-demand","runtimeVersion":"python3.`,
		`telemetry platform.initRuntimeDone {"initializationType":"on-demand","phase":"init","status":"success"}`,
		`telemetry platform.telemetrySubscription {"name":"watcher","state":"Subscribed","types":["platform","function","extension"]}`,
		`telemetry platform.extension {"name":"watcher","state":"Ready","events":["INVOKE","SHUTDOWN"]}`,
		`telemetry platform.initReport {"initializationType":"on-demand","phase":"init","status":"success","metrics":{"durationMs":`,
		`telemetry platform.start {"requestId":"`,
		`telemetry function "printed"`,
		`telemetry extension "the extension says hello"`,
		`"status":"success","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-`,
		`"status":"error","errorType":"Runtime.Unknown"`,
		`telemetry platform.report {"requestId":"`,
	} {
		l.await(want)
	}
}

// Time-out and crash leave the sandbox, and what is in /tmp, in place.
func TestResetKeepsTmp(t *testing.T) {
	fn := pythonFn(t, "app.handler")
	fn.Timeout = time.Second
	l := newLab(t, Options{}, fn)
	tmp := l.call("python", m{"do": "tmp"}).Body
	for name, event := range map[string]m{"time-out": {"do": "sleep", "seconds": 60}, "crash": {"do": "exit", "status": 1}} {
		if o := l.call("python", event); o.Fault == nil {
			t.Fatalf("%s: no fault", name)
		}
		o := l.call("python", m{"do": "left in tmp"})
		if !o.Cold || !strings.Contains(string(o.Body), `"f"`) {
			t.Errorf("after a %s: %s", name, o.Body)
		}
		if got := l.call("python", m{"do": "tmp"}); !bytes.Equal(got.Body, tmp) {
			t.Errorf("after a %s: %s, before %s", name, got.Body, tmp)
		}
	}
	if d, _ := l.Deployment("python"); d.Environments != 1 || d.ColdStarts != 3 {
		t.Errorf("deployment %+v", d)
	}
}
