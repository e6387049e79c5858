package serve

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/store/postgres"
	"github.com/assaylab/assay/store/sqlite"
)

// Store is all that a laboratory keeps.
type Store interface {
	assay.Store
	assay.Archives
	assay.Definitions
	assay.Readings
	assay.Rollouts
	assay.Trends
}

// retention is how much of trials is kept; counts stay for ever.
type retention struct {
	size byteSize
	age  days
}

func (l *retention) flags(f *pflag.FlagSet) {
	f.Var(&l.size, "keep-size", "how much of trials is kept, for example 2GB (default 1GB in a file, no limit in PostgreSQL); counts stay")
	f.Var(&l.age, "keep-age", "how long trials are kept, for example 30d or 12h (default no limit); counts stay")
}

// byteSize is a flag like 500MB or 2GB.
type byteSize int64

func (b *byteSize) String() string { return "" }
func (b *byteSize) Type() string   { return "size" }

// Set implements pflag.Value.
func (b *byteSize) Set(text string) error {
	for unit, factor := range map[string]float64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40} {
		number, ok := strings.CutSuffix(strings.ToUpper(text), unit)
		n, err := strconv.ParseFloat(number, 64)
		if ok && err == nil && n > 0 && n*factor < 1<<62 {
			*b = byteSize(n * factor)
			return nil
		}
	}
	return errors.New("write a number with its unit: 500MB, 2GB")
}

// days is a flag like 30d, or a duration.
type days time.Duration

func (d *days) String() string { return "" }
func (d *days) Type() string   { return "age" }

// Set implements pflag.Value.
func (d *days) Set(text string) error {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(number, 10, 16); err == nil && n > 0 {
			*d = days(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	if span, err := time.ParseDuration(text); err == nil && span > 0 {
		*d = days(span)
		return nil
	}
	return errors.New("write 30d, 12h or the like")
}

// openStore opens what --store names: a file of the embedded store, by default under --data, or a PostgreSQL
// database. Its address is never logged: it may hold a password.
func openStore(ctx context.Context, p *process.Process, o upOptions, log *slog.Logger) (Store, error) {
	if strings.HasPrefix(o.store, "postgres://") || strings.HasPrefix(o.store, "postgresql://") {
		return postgres.Open(ctx, o.store, postgres.Options{Log: log, MaxBytes: int64(o.keep.size), MaxAge: time.Duration(o.keep.age)})
	}
	path, named := strings.CutPrefix(o.store, "sqlite:")
	switch {
	case o.store == "":
		path = filepath.Join(o.data, "assay.db")
	case named && path != "":
		path = p.Absolute(path)
	default:
		scheme, _, _ := strings.Cut(o.store, ":") // what follows may hold a password
		return nil, &assay.Error{
			Code: assay.CodeInvalid, What: "this store is not known", Where: "--store " + scheme + ":...",
			Hint: "write sqlite:PATH, or postgres://user:password@host:port/database",
		}
	}
	return sqlite.Open(ctx, path, sqlite.Options{Log: log, MaxBytes: int64(o.keep.size), MaxAge: time.Duration(o.keep.age)})
}

// OpenStopped opens the store of a laboratory that does not run, and keeps one from starting on its data folder
// meanwhile. No folder is none to be kept; no store is the one in the folder. Done closes it.
func OpenStopped(ctx context.Context, p *process.Process, data, store string) (kept Store, done func(), err error) {
	unlock := func() {}
	if data != "" {
		data = p.Absolute(data)
		if unlock, err = lock(data); err != nil {
			return nil, nil, err
		}
	}
	kept, err = openStore(ctx, p, upOptions{data: data, store: store}, slog.New(slog.DiscardHandler))
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return kept, func() { kept.Close(); unlock() }, nil
}
