package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

// publish makes a version of a function, and an alias of it.
func (l lab) publish(name, alias string) string {
	l.t.Helper()
	c, err := l.PublishVersion(name, control.PublishVersionInput{})
	if err == nil && alias != "" {
		_, err = l.CreateAlias(name, control.CreateAliasInput{Name: alias, FunctionVersion: c.Version})
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return c.Version
}

func TestVersionsRunTheirOwnCode(t *testing.T) {
	fn := pythonFn(t, "app.handler")
	say := func(what string) assay.Function {
		fn.Code = files(t, map[string]string{"app.py": "import os\ndef handler(e, c):\n  return ['" + what + "', c.function_version, os.environ['AWS_LAMBDA_FUNCTION_VERSION']]\n"})
		return fn
	}
	l := newLab(t, Options{}, say("one"))
	l.publish(fn.Name, "live")
	l.deploy(say("two"))
	for ref, want := range map[string]string{
		"": `["two", "$LATEST", "$LATEST"]`, ":$LATEST": `["two", "$LATEST", "$LATEST"]`, ":1": `["one", "1", "1"]`, ":live": `["one", "1", "1"]`,
	} {
		r, err := l.Invoke(t.Context(), Call{Function: fn.Name + ref})
		if err != nil || string(r.Payload) != want {
			t.Errorf("%s: %s, %v; want %s", ref, r.Payload, err, want)
			continue
		}
		if version := strings.Trim(strings.Split(want, ", ")[1], `"`); r.Version != version {
			t.Errorf("%s: ran version %s", ref, r.Version)
		}
	}
	var log bytes.Buffer
	if err := l.Logs(t.Context(), fn.Name+":1", assay.LogQuery{Stream: "[1]"}, &log); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "Version: 1\n") || strings.Contains(text, "Version: $LATEST") {
		t.Errorf("log of version 1:\n%s", text)
	}
	d, err := l.Deployment(fn.Name + ":live")
	if err != nil || d.Version != "1" || len(d.Metrics) != 2 || d.Metrics[1].Invocations != 2 || d.Metrics[1].Duration <= 0 || d.Metrics[1].MaxMemoryMB <= 0 {
		t.Errorf("deployment %+v, %v", d, err)
	}
}

func TestAliasRoutesBySeed(t *testing.T) {
	draws := []float64{0.9, 0.1, 0.9}
	next := func() float64 { d := draws[0]; draws = append(draws[1:], d); return d }
	l := newLab(t, Options{Random: next}, goFn(t))
	l.publish("go", "live")
	fn := goFn(t)
	fn.MemoryMB = 256
	l.deploy(fn)
	two := l.publish("go", "")
	if _, err := l.UpdateAlias("go", "live", control.UpdateAliasInput{RoutingConfig: &control.RoutingConfig{AdditionalVersionWeights: map[string]float64{two: 0.5}}}); err != nil {
		t.Fatal(err)
	}
	var ran []string
	for range 3 {
		r, err := l.Invoke(t.Context(), Call{Function: "go", Qualifier: "live"})
		if err != nil {
			t.Fatal(err)
		}
		ran = append(ran, r.Version)
	}
	if got := strings.Join(ran, " "); got != "1 2 1" {
		t.Errorf("ran %s", got)
	}
}

func TestProvisionedEnvironmentsAreReady(t *testing.T) {
	fn := goFn(t)
	l := newLab(t, Options{IdleExpiry: time.Millisecond}, fn)
	l.publish("go", "live")
	if _, err := l.PutProvisionedConcurrencyConfig("go", "live", 2); err != nil {
		t.Fatal(err)
	}
	l.await(func(assay.Deployment) bool {
		c, err := l.GetProvisionedConcurrencyConfig("go", "live")
		return err == nil && c.Status == "READY" && c.AvailableProvisionedConcurrentExecutions == 2
	}, "go")
	o := l.call("go:live", m{"Do": "environment"})
	if o.Cold || o.Fault != nil || !strings.Contains(string(o.Body), "AWS_LAMBDA_INITIALIZATION_TYPE=provisioned-concurrency") {
		t.Errorf("cold %v, fault %+v, %s", o.Cold, o.Fault, o.Body)
	}
	if err := l.DeleteProvisionedConcurrencyConfig("go", "live"); err != nil {
		t.Fatal(err)
	}
	l.await(func(d assay.Deployment) bool { return d.Environments == 0 }, "go")
	if d, _ := l.Deployment("go"); d.ColdStarts != 0 {
		t.Errorf("%d cold starts", d.ColdStarts)
	}
}

func TestProvisionedInitThatFailsIsToldOnce(t *testing.T) {
	fn := pythonFn(t, "app.handler")
	fn.Code = files(t, map[string]string{"app.py": "raise Exception('oh no')\n"})
	l := newLab(t, Options{}, fn)
	l.publish(fn.Name, "")
	if _, err := l.PutProvisionedConcurrencyConfig(fn.Name, "1", 1); err != nil {
		t.Fatal(err)
	}
	l.await(func(d assay.Deployment) bool {
		c, err := l.GetProvisionedConcurrencyConfig(fn.Name, "1")
		return err == nil && c.Status == "FAILED" && c.StatusReason == "FUNCTION_ERROR_INIT_FAILURE" && d.Environments == 0
	}, fn.Name)
}

func TestStandbySurvivesRestarts(t *testing.T) {
	dir := t.TempDir()
	fn := goFn(t)
	fn.Standby = 1
	first := newLab(t, Options{Dir: dir}, fn)
	first.awaitIdle("go", 1)
	if o := first.call("go", m{}); o.Cold {
		t.Error("the first call was cold")
	}
	first.close()
	second := newLab(t, Options{Dir: dir})
	second.awaitIdle("go", 1)
	if o := second.call("go", m{}); o.Cold {
		t.Error("the first call after a restart was cold")
	}
}

func TestMemoryLimitsEnvironments(t *testing.T) {
	fn := goFn(t)
	fn.MemoryMB = 512
	l := newLab(t, Options{MemoryMB: 1024}, fn)
	done := make(chan *assay.Observation, 3)
	for range 3 {
		go func() { done <- l.call("go", m{"Sleep": 100}) }()
	}
	for range 3 {
		if o := <-done; o.Fault != nil {
			t.Errorf("fault %+v", o.Fault)
		}
	}
	if d, _ := l.Deployment("go"); d.Metrics[0].MaxAtOnce != 2 {
		t.Errorf("%d environments at once", d.Metrics[0].MaxAtOnce)
	}
}

func TestReservedConcurrencyOfNone(t *testing.T) {
	l := newLab(t, Options{}, goFn(t))
	if _, err := l.PutFunctionConcurrency("go", 0); err != nil {
		t.Fatal(err)
	}
	o := l.call("go", m{})
	if o.Fault == nil || o.Fault.Kind != assay.FaultThrottle || !strings.Contains(string(o.Body), reasonReserved) {
		t.Errorf("%s, fault %+v", o.Body, o.Fault)
	}
	if d, _ := l.Deployment("go"); d.Throttles != 1 || d.Invocations != 0 {
		t.Errorf("deployment %+v", d)
	}
}

func TestEventGoesToItsDestination(t *testing.T) {
	dir := t.TempDir()
	l := newLab(t, Options{Dir: dir}, goFn(t))
	if _, err := l.PutFunctionEventInvokeConfig("go", "", control.EventInvokeConfigInput{
		MaximumRetryAttempts: new(0), DestinationConfig: &control.DestinationConfig{OnSuccess: &control.Destination{Destination: "arn:aws:file:::done"}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.InvokeEvent(Call{Function: "go", ID: "event-1", Payload: []byte(`{"ID": 7}`)}); err != nil {
		t.Fatal(err)
	}
	l.await(func(assay.Deployment) bool { return l.events.Len() == 0 }, "go")
	text, err := os.ReadFile(filepath.Join(dir, "queues", "done.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		RequestContext struct{ RequestID, Condition string }
		RequestPayload json.RawMessage
	}
	if err := json.Unmarshal(text, &record); err != nil || record.RequestContext.RequestID != "event-1" || record.RequestContext.Condition != "Success" || string(record.RequestPayload) != `{"ID":7}` {
		t.Errorf("record %s, %v", text, err)
	}
	if err := l.InvokeEvent(Call{Function: "nonesuch"}); !hasCode(err, assay.CodeNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestEventsAreBounded(t *testing.T) {
	l := newLab(t, Options{MaxEvents: 2}, goFn(t))
	send := func() error { return l.InvokeEvent(Call{Function: "go", Payload: []byte(`{"Sleep": 300}`)}) }
	if err := errors.Join(send(), send()); err != nil {
		t.Fatal(err)
	}
	var throttle *control.APIError
	if err := send(); !errors.As(err, &throttle) || throttle.Status != 429 || throttle.Reason != reasonAccount {
		t.Errorf("third: %v", err)
	}
	l.await(func(d assay.Deployment) bool { return d.Invocations == 2 && d.Busy == 0 }, "go")
}

// TestEventsOutliveTheEngine: one that was accepted and not begun is served by the next engine.
func TestEventsOutliveTheEngine(t *testing.T) {
	dir := t.TempDir()
	fn := goFn(t)
	first := newLab(t, Options{Dir: dir}, fn)
	if _, err := first.PutFunctionConcurrency("go", 0); err != nil {
		t.Fatal(err)
	}
	if err := first.InvokeEvent(Call{Function: "go"}); err != nil {
		t.Fatal(err)
	}
	first.await(func(d assay.Deployment) bool { return d.Throttles == 1 }, "go")
	first.close()
	second := newLab(t, Options{Dir: dir})
	if err := second.DeleteFunctionConcurrency("go"); err != nil {
		t.Fatal(err)
	}
	second.await(func(d assay.Deployment) bool { return d.Invocations == 1 && d.Errors == 0 }, "go")
	second.await(func(assay.Deployment) bool { return second.events.Len() == 0 }, "go")
}

// TestChangesUnderLoad updates, publishes and deletes while callers call: all get an answer of their
// own, or that there is no such function.
func TestChangesUnderLoad(t *testing.T) {
	fn := goFn(t)
	l := newLab(t, Options{}, fn)
	l.publish("go", "live")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failures := make(chan string, 100)
	done := make(chan int, 4)
	for range 4 {
		go func() {
			calls := 0
			for ; ctx.Err() == nil; calls++ {
				if r, err := l.Invoke(context.Background(), Call{Function: "go:live", Payload: []byte(`{}`)}); err != nil || r.Fault != nil {
					failures <- errors.Join(err, errors.New("fault")).Error()
				}
			}
			done <- calls
		}()
	}
	for i := range 8 {
		fn.MemoryMB = 128 + i%2*128
		fn.Environment = map[string]string{"I": strings.Repeat("x", i)}
		l.deploy(fn)
		version := l.publish("go", "")
		if _, err := l.UpdateAlias("go", "live", control.UpdateAliasInput{FunctionVersion: version}); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	total := 0
	for range 4 {
		total += <-done
	}
	close(failures)
	for f := range failures {
		t.Error(f)
	}
	if total == 0 {
		t.Error("nobody called")
	}
}
