package awslambda

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"time"
)

// report is what Lambda writes at the end of each invocation's log.
type report struct {
	billed      time.Duration
	init        time.Duration // 0 for a warm invocation
	memoryMB    int
	maxMemoryMB int
}

// parseReport reads the last report in the tail of a log: a line of text, or JSON of the type
// platform.report for functions that log JSON.
//
//	REPORT RequestId: …	Duration: 1.61 ms	Billed Duration: 102 ms	Memory Size: 128 MB	Max Memory Used: 37 MB	Init Duration: 99.87 ms
func parseReport(log []byte) (report, bool) {
	var found report
	ok := false
	for line := range bytes.Lines(log) {
		var r report
		var is bool
		switch {
		case bytes.HasPrefix(line, []byte("REPORT RequestId:")):
			r, is = parseLine(line)
		case bytes.HasPrefix(line, []byte("{")) && bytes.Contains(line, []byte("platform.report")):
			r, is = parseRecord(line)
		}
		if is {
			found, ok = r, true
		}
	}
	return found, ok
}

var field = regexp.MustCompile(`(?:^|\t)([A-Za-z ]+): ([0-9]+(?:\.[0-9]+)?) (ms|MB)`)

func parseLine(line []byte) (report, bool) {
	values := map[string]float64{}
	for _, m := range field.FindAllSubmatch(line, -1) {
		if v, err := strconv.ParseFloat(string(m[2]), 64); err == nil {
			values[string(m[1])] = v
		}
	}
	return measured(values["Billed Duration"], values["Init Duration"], values["Memory Size"], values["Max Memory Used"])
}

func parseRecord(line []byte) (report, bool) {
	var e struct {
		Type   string
		Record struct {
			Metrics struct {
				BilledDurationMs, InitDurationMs, MemorySizeMB, MaxMemoryUsedMB float64
			}
		}
	}
	if json.Unmarshal(line, &e) != nil || e.Type != "platform.report" {
		return report{}, false
	}
	m := e.Record.Metrics
	return measured(m.BilledDurationMs, m.InitDurationMs, m.MemorySizeMB, m.MaxMemoryUsedMB)
}

// measured is a report of these milliseconds and megabytes, unless they are none that AWS could mean.
func measured(billed, init, memory, maxMemory float64) (report, bool) {
	const most = math.MaxInt32 // keeps every product below in range
	for _, v := range []float64{billed, init, memory, maxMemory} {
		if !(v >= 0 && v <= most) {
			return report{}, false
		}
	}
	ms := float64(time.Millisecond)
	return report{
		billed: time.Duration(billed * ms), init: time.Duration(math.Round(init * ms)),
		memoryMB: int(memory), maxMemoryMB: int(maxMemory),
	}, memory > 0
}
