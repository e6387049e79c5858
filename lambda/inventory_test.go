package lambda

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func TestInventory(t *testing.T) {
	fn := goFn(t)
	l := newLab(t, Options{}, fn)
	l.publish("go", "live")
	l.call("go:live", m{})
	l.call("go", m{"Do": "exit"}) // fails
	l.await(func(d assay.Deployment) bool { return d.Busy == 0 }, "go")
	got, err := l.Inventory("go")
	if err != nil {
		t.Fatal(err)
	}
	if v := got.Versions; len(v) != 2 || v[0].Version != "$LATEST" || v[1].Version != "1" || v[1].CodeSHA256 != v[0].CodeSHA256 || v[0].CodeSize == 0 || v[1].MemoryMB != 128 {
		t.Errorf("versions %+v", v)
	}
	if a := got.Aliases; len(a) != 1 || a[0].Name != "live" || a[0].Version != "1" {
		t.Errorf("aliases %+v", a)
	}
	idle := 0
	for _, v := range got.Environments {
		if v.State == assay.EnvironmentIdle && v.Version == "1" && v.MaxMemoryMB > 0 && v.Stream != "" && !v.IdleSince.IsZero() {
			idle++
		}
	}
	if idle != 1 {
		t.Errorf("environments %+v", got.Environments)
	}
	sum := assay.FunctionMinute{} // the test may run over the end of a minute
	for _, m := range got.Minutes {
		sum.Invocations += m.Invocations
		sum.Errors += m.Errors
		sum.Ran += m.Ran
		sum.Duration += m.Duration
	}
	if sum.Invocations != 2 || sum.Ran != 2 || sum.Errors != 1 || sum.Duration <= 0 {
		t.Errorf("minutes %+v", got.Minutes)
	}
	if _, err := l.Inventory("nope"); err == nil {
		t.Error("an inventory of nothing")
	}
}

func TestHourForgets(t *testing.T) {
	var h hour
	noon := time.Date(2026, 11, 25, 12, 0, 30, 0, time.UTC)
	for i := range 100 {
		h.at(noon.Add(time.Duration(i)*time.Minute)).invocations++
	}
	h.at(noon.Add(99*time.Minute)).invocations++
	all := h.since(noon.Add(60 * time.Minute))
	if len(all) != 39 || !all[0].Time.Equal(noon.Truncate(time.Minute).Add(61*time.Minute)) || all[38].Invocations != 2 || all[37].Invocations != 1 {
		t.Errorf("%d minutes, %+v", len(all), all)
	}
	if all := h.since(noon.Add(-time.Hour)); len(all) != assay.FunctionMinutes {
		t.Errorf("%d minutes kept", len(all))
	}
}
