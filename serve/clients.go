package serve

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/clients"
	"github.com/assaylab/assay/config"
)

// maxCallers is how many connections the console, and AWS's address, take at once.
const maxCallers = 1024

// clientLimits bound what clients may take of `assay up`.
type clientLimits struct {
	most     int // of the gateway
	patience time.Duration
	pace     string

	bytes int64 // the pace, read
}

func (l *clientLimits) flags(f *pflag.FlagSet) {
	f.IntVar(&l.most, "clients", 10_000, "connections of clients to the gateway at once; others are answered 503, and 0 takes all")
	f.DurationVar(&l.patience, "client-patience", 30*time.Second, "how long clients may send nothing of a body, or read nothing of an answer; 0 waits for ever")
	f.StringVar(&l.pace, "client-pace", "500B", "bytes a second with which slow clients are waited for longer")
}

// check reads the limits.
func (l *clientLimits) check() (err error) {
	if l.bytes, err = config.ParseSize(l.pace); err == nil && l.bytes >= 0 && l.most >= 0 && l.patience >= 0 {
		return nil
	}
	return &assay.Error{
		Code: assay.CodeInvalid, What: "a limit of clients cannot be read", Where: "--clients, --client-patience, --client-pace",
		Hint: "for example --clients 10000 --client-patience 30s --client-pace 500B", Err: err,
	}
}

// of returns the limits at one address.
func (l *clientLimits) of(name string) clients.Limits {
	most := maxCallers
	if name == "gateway" {
		most = l.most
	}
	return clients.Limits{Connections: most, Patience: l.patience, Pace: l.bytes}
}
