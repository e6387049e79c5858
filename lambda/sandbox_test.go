package lambda

import (
	"strings"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/lambda/control"
)

func TestNetworkIsAFunctionsChoice(t *testing.T) {
	for _, by := range []string{"", "definition", "variable"} {
		fn, open := goFn(t), by != ""
		fn.Network = by == "definition"
		if by == "variable" {
			fn.Environment = map[string]string{control.NetworkVariable: "host"}
		}
		l := newLab(t, Options{}, fn)
		l.call("go", m{})
		d, err := l.Deployment("go")
		if err != nil || d.Enforced.Memory != l.host.Enforced().Memory {
			t.Errorf("%+v, %v", d, err)
		}
		l.mu.Lock()
		for v := range l.environments {
			own := strings.HasSuffix(v.inst.address, ":9001")
			if own != (d.Enforced.Network && !open) {
				t.Errorf("network %v: the Runtime API is at %s", open, v.inst.address)
			}
		}
		l.mu.Unlock()
	}
}

// A function over its memory is killed, and its caller told so in AWS's words; the next one is served.
func TestMemoryLimit(t *testing.T) {
	fn := pythonFn(t, "app.handler")
	fn.Timeout = 10 * time.Second
	l := newLab(t, Options{}, fn)
	if !l.host.Enforced().Memory {
		t.Skip("memory is not limited here")
	}
	o := l.call("python", m{"do": "allocate", "size": 300 << 20})
	if o.Fault == nil || o.Fault.Kind != assay.FaultCrash || !strings.Contains(string(o.Body), "signal: killed") || o.MaxMemoryMB < 100 || o.MaxMemoryMB > 128 {
		t.Errorf("fault %+v, %d MB, %s", o.Fault, o.MaxMemoryMB, o.Body)
	}
	if o := l.call("python", m{}); o.Fault != nil {
		t.Errorf("after: %+v", o.Fault)
	}
}
