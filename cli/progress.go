package cli

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/assaylab/assay/process"
)

// bar shows on a terminal's stderr how far long work is. Where nobody watches it writes nothing. Its owner calls
// Finish.
type bar struct {
	*progressbar.ProgressBar
	what string // "%d requests", for work of which nobody knows how much there is
}

// counting is a bar of so many, or of nobody knows how many if total is 0; what it counts goes into the format.
func counting(p *process.Process, format string, total int64) bar {
	options := append(barOptions(p), progressbar.OptionSetDescription(fmt.Sprintf(format, 0)))
	if total > 0 {
		return bar{progressbar.NewOptions64(total, append(options, progressbar.OptionShowCount())...), ""}
	}
	return bar{progressbar.NewOptions64(-1, options...), format}
}

// carrying is a bar of bytes, which are written to it as they go by.
func carrying(p *process.Process, what string) bar {
	return bar{progressbar.NewOptions64(-1, append(barOptions(p), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true))...), ""}
}

func barOptions(p *process.Process) []progressbar.Option {
	return []progressbar.Option{
		progressbar.OptionSetWriter(p.Stderr), progressbar.OptionSetVisibility(process.Terminal(p.Stderr)),
		progressbar.OptionThrottle(100 * time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine: it moves when the work does
	}
}

// at says how far the work is.
func (b bar) at(n int64) {
	if b.what != "" {
		b.Describe(fmt.Sprintf(b.what, n))
	}
	b.Set64(n)
}
