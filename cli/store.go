package cli

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/postgres"
	"github.com/assaylab/assay/store/sqlite"
)

// store is all that a laboratory keeps.
type store interface {
	assay.Store
	assay.Archives
	assay.Definitions
	assay.Readings
	assay.Rollouts
	assay.Trends
}

// openStore opens what --store names: a file of the embedded store, by default under --data, or a PostgreSQL
// database. Its address is never logged: it may hold a password.
func openStore(ctx context.Context, p *Process, o upOptions, log *slog.Logger) (store, error) {
	if strings.HasPrefix(o.store, "postgres://") || strings.HasPrefix(o.store, "postgresql://") {
		return postgres.Open(ctx, o.store, postgres.Options{Log: log})
	}
	path, named := strings.CutPrefix(o.store, "sqlite:")
	switch {
	case o.store == "":
		path = filepath.Join(o.data, "assay.db")
	case named && path != "":
		path = absolute(p.Dir, path)
	default:
		scheme, _, _ := strings.Cut(o.store, ":") // what follows may hold a password
		return nil, &assay.Error{
			Code: assay.CodeInvalid, What: "this store is not known", Where: "--store " + scheme + ":...",
			Hint: "write sqlite:PATH, or postgres://user:password@host:port/database",
		}
	}
	return sqlite.Open(ctx, path, sqlite.Options{Log: log})
}
