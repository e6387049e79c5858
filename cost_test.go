package assay_test

import (
	"testing"
	"time"

	"github.com/assaylab/assay"
)

func TestPublishedPrices(t *testing.T) {
	list := assay.PublishedPrices()
	if list.Source == "" || list.Date == "" || list.Region == "" {
		t.Errorf("nobody says so: %+v", list)
	}
	// AWS's example of a price: a million calls of 120 ms at 1,536 MB are $3 and $0.20.
	million := 1e6 * list.For("x86_64").Cost(1536, assay.Billed(0, 120*time.Millisecond))
	if million < 3.19 || million > 3.21 {
		t.Errorf("a million calls are $%v", million)
	}
	if even := list.X86.GBSecond / list.For(assay.ARM64).GBSecond; even < 1.249 || even > 1.251 {
		t.Errorf("arm64 breaks even at %v of the time", even)
	}
	if billed := assay.Billed(100*time.Millisecond, 1500*time.Microsecond); billed != 102*time.Millisecond {
		t.Errorf("billed %v", billed)
	}
}

func TestParsePrices(t *testing.T) {
	list, err := assay.ParsePrices([]byte(`{"source": "our contract", "arm64": {"gb_second": 0.00001}}`))
	if err != nil || list.ARM.GBSecond != 0.00001 || list.ARM.Request != 0.0000002 || list.X86 != assay.PublishedPrices().X86 {
		t.Errorf("%+v, %v", list, err)
	}
	for _, text := range []string{"", "[]", `{"x86": {}}`, `{"arm64": {"gb_second": -1}}`, `{"arm64": {"gb_second": "1"}}`} {
		if _, err := assay.ParsePrices([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
