package config

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseShare(t *testing.T) {
	for text, want := range map[string]float64{
		"10%": 0.1, "0.7%": 0.007, "100 %": 1, "0.1": 0.1, "1": 1, "0.001%": 0.00001, "1e-3": 0.001, "1e1%": 0.1, "110%": 1.1, "0": 0, "-5%": -0.05,
	} {
		if got, err := parseShare(text); err != nil || got != want {
			t.Errorf("parseShare(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "%", "ten", "1%%", "NaN", "inf", "Inf%", "1e%", "1e99999999999999999999%", "0x1p-2%%", "1,5%"} {
		if got, err := parseShare(text); err == nil {
			t.Errorf("parseShare(%q) = %v", text, got)
		}
	}
}

func TestFormatShare(t *testing.T) {
	for v, want := range map[float64]string{0.1: "10%", 0.007: "0.7%", 1: "100%", 0: "0%", 1.1: "110%", 0.00001: "0.001%", 1e-300: "1e-300"} {
		if got := formatShare(v); got != want {
			t.Errorf("formatShare(%v) = %q, want %q", v, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64().Filter(func(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }).Draw(t, "v")
		if got, err := parseShare(formatShare(v)); err != nil || got != v {
			t.Fatalf("%v is written %q and read %v, %v", v, formatShare(v), got, err)
		}
	})
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]float64{"<= 0.1%": 0.001, "<=110%": 1.1, "≤ 2": 2, "5%": 0.05, "<= 10": 10, "<= 1001%": 10.01} {
		if got, err := parseLimit(text); err != nil || got != want {
			t.Errorf("parseLimit(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "<=", "< 1%", ">= 1%", "<= <= 1%", "= 1%", "<= 110", "10.01", "1e2"} {
		if got, err := parseLimit(text); err == nil {
			t.Errorf("parseLimit(%q) = %v", text, got)
		}
	}
}

func TestFormatLimit(t *testing.T) {
	for v, want := range map[float64]string{1.1: "<= 110%", 110: "<= 11000%", 0: "<= 0%", 57.55555555555555: "<= 5755.555555555555%"} {
		if got := formatLimit(v); got != want {
			t.Errorf("formatLimit(%v) = %q, want %q", v, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(0, 1e300).Draw(t, "v")
		if got, err := parseLimit(formatLimit(v)); err != nil || got != v {
			t.Fatalf("%v is written %q and read %v, %v", v, formatLimit(v), got, err)
		}
	})
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"64MB": 64 << 20, "1gb": 1 << 30, "512 KB": 512 << 10, "10B": 10, "10": 10, "1MiB": 1 << 20, "0": 0, "-1KB": -1024} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MB", "1.5MB", "64XB", "1TB", "9999999999GB", "1 2MB", "IB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %v", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		if got, err := ParseSize(formatSize(n)); err != nil || got != n {
			t.Fatalf("%d is written %q and read %d, %v", n, formatSize(n), got, err)
		}
	})
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 3 * time.Second: "3s", 10 * time.Minute: "10m", 90 * time.Second: "1m30s", 24 * time.Hour: "24h",
		time.Hour + 10*time.Minute: "1h10m", 10*time.Hour + 5*time.Second: "10h0m5s", 500 * time.Millisecond: "500ms",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%v is written %q instead of %q", d, got, want)
		}
		if got, err := parseDuration(want); err != nil || got != d {
			t.Errorf("%q is read as %v, %v", want, got, err)
		}
	}
}

func TestParseMemory(t *testing.T) {
	for text, want := range map[string]int{"128": 128, "128MB": 128, "1GB": 1024, "1048576B": 1} {
		if got, err := parseMemory(text); err != nil || got != want {
			t.Errorf("parseMemory(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "12.5", "100KB", "9223372036854775807", "much"} {
		if got, err := parseMemory(text); err == nil {
			t.Errorf("parseMemory(%q) = %v", text, got)
		}
	}
}
