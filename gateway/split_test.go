package gateway_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/gateway"
)

// canary lets one arm serve what asks for it in a field, and remembers what it was told.
type canary struct {
	arm     assay.Invoker
	version string // that answers in the control's place without being chosen

	told chan string
}

func (c *canary) Choose(r *assay.Request) (assay.Invoker, func(*assay.Observation) bool) {
	chosen := r.Header.Get("X-Canary") != ""
	served := func(o *assay.Observation) bool {
		c.told <- fmt.Sprintf("%v %d %v", chosen, o.Status, o.Fault != nil)
		return !chosen && (c.version == "" || o.Version != c.version)
	}
	if chosen {
		return c.arm, served
	}
	return nil, served
}

// What a canary serves is its own answer, whether it or the control streams; it makes no trial. What the
// control serves is sampled as before.
func TestACanaryServes(t *testing.T) {
	text := func(s string) assay.Invoker { return service(t, listen(t, answering(s))) }
	function := func(s string) assay.Invoker {
		return returns(&assay.Observation{Status: 200, Body: []byte(s)}, nil)
	}
	for name, arms := range map[string][2]assay.Invoker{
		"services":               {text("control"), text("canary")},
		"functions":              {function("control"), function("canary")},
		"service to function":    {text("control"), function("canary")},
		"function to service":    {function("control"), text("canary")},
		"a service out of reach": {text("control"), service(t, "127.0.0.1:1")},
		"no engine":              {function("control"), returns(nil, errors.New("gone"))},
	} {
		for way, known := range map[string]assay.Invoker{"relayed if both are services": arms[1], "by net/http": nil} {
			t.Run(name+" "+way, func(t *testing.T) { aCanaryServes(t, name, arms, known) })
		}
	}
}

func aCanaryServes(t *testing.T, name string, arms [2]assay.Invoker, known assay.Invoker) {
	l, c := &lane{}, &canary{arm: arms[1], told: make(chan string, 2)}
	g := gateway.New(gateway.Options{})
	set(t, g, gateway.Route{Experiment: "x", Path: "/*", Control: arms[0], Lane: l, Split: c, Canary: known})
	address := relay(t, g)
	if got := answerOf(t, address, ""); got != "200 control" {
		t.Errorf("the control answers %q", got)
	}
	if l.last(t).control == nil {
		t.Error("what the control served is no trial")
	}
	want, told := "200 canary", "true 200 false"
	switch name {
	case "a service out of reach":
		want, told = "502", "true 502 true"
	case "no engine":
		want, told = "502", "true 502 false"
	}
	if got := answerOf(t, address, "x"); !strings.HasPrefix(got, want) {
		t.Errorf("the canary answers %q", got)
	}
	if first, second := <-c.told, <-c.told; l.asked != 1 || first != "false 200 false" || second != told {
		t.Errorf("asked for %d trials, told %q and %q", l.asked, first, second)
	}
}

// Where an alias let another version answer, there is no trial of the control.
func TestAnotherVersionMakesNoTrial(t *testing.T) {
	l, c := &lane{}, &canary{version: "8", told: make(chan string, 1)}
	g := gateway.New(gateway.Options{})
	set(t, g, gateway.Route{Experiment: "x", Path: "/*", Lane: l, Split: c, Control: returns(&assay.Observation{Status: 200, Version: "8"}, nil)})
	answerOf(t, listen(t, g), "")
	if got := l.last(t); got.control != nil || got.reason != gateway.DropCanary {
		t.Errorf("offered %v, dropped for %q", got.control, got.reason)
	}
}

func answering(s string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, s)
	})
}

func answerOf(t *testing.T, address, canary string) string {
	t.Helper()
	r := httptest.NewRequest("POST", "http://"+address+"/", strings.NewReader("body"))
	r.RequestURI = ""
	if canary != "" {
		r.Header.Set("X-Canary", canary)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}
