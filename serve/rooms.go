package serve

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/compare"
	"github.com/assaylab/assay/gateway"
	"github.com/assaylab/assay/laboratory"
	"github.com/assaylab/assay/lambda"
	"github.com/assaylab/assay/pack"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/trial"
)

// rooms are those that a laboratory and a worker have alike. A worker's gateway serves nobody, and its engine has no
// functions.
type rooms struct {
	log       *slog.Logger
	data      string // folder
	front     string // where clients reach the gateway; empty at a worker
	heap      heapLimit
	store     Store // nil until it is open, as all that follows
	engine    *lambda.Engine
	floor     *trial.Floor
	gateway   *gateway.Gateway
	lab       *laboratory.Laboratory
	line      *line // nil without --stream
	observing observing
}

// open opens them in an order in which each finds what it needs. Share says among whom trials are counted and made.
func (r *rooms) open(ctx context.Context, p *process.Process, o upOptions, share func(key []byte, lane *trial.Options) error) error {
	key, err := o.stream.secret(p, r.data)
	if err != nil {
		return err
	}
	prices, err := readPrices(p, o.prices)
	if err != nil {
		return err
	}
	kept, err := openStore(ctx, p, o, r.log)
	if err != nil {
		return err
	}
	r.store = kept
	if r.engine, err = lambda.New(lambda.Options{Dir: filepath.Join(r.data, "lambda"), Log: r.log, Prices: prices.For(hostArchitecture)}); err != nil {
		return err
	}
	r.observing = o.observing
	tracer, err := r.observing.open(ctx, p, r.log)
	if err != nil {
		return err
	}
	lane := trial.Options{Store: r.store, Log: r.log, Seed: seed(), Decode: compare.Decode, Tracer: tracer}
	if err := o.limits.into(&lane); err != nil {
		return err
	}
	if err := share(key, &lane); err != nil {
		return err
	}
	r.floor = trial.New(lane)
	r.gateway = gateway.New(gateway.Options{Log: r.log, Tracer: tracer, Development: o.development})
	if err := r.openLaboratory(p, key, prices); err != nil || r.line == nil {
		return err
	}
	return r.line.follow(ctx, r.lab, r.log)
}

func (r *rooms) openLaboratory(p *process.Process, key []byte, prices assay.PriceList) error {
	packer, err := pack.Open(pack.Options{Dir: filepath.Join(r.data, "pack"), Private: r.data})
	if err != nil {
		return err
	}
	r.lab, err = laboratory.New(laboratory.Options{
		Log: r.log, Now: time.Now, Seed: seed, Env: p.Env, Store: r.store, Packer: packer, Engine: r.engine, Floor: r.floor, Gateway: r.gateway,
		Key: key, Prices: prices, Data: r.data, Front: r.front, Budgets: r.heap.allow,
	})
	return err
}

// drain ends pulling first, gives what has begun some time to end, and leaves the stream.
func (r *rooms) drain() {
	if r.line != nil {
		r.line.drain()
	}
	if r.floor != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainTrials)
		for name, n := range r.floor.Close(ctx) {
			r.log.Warn("trials were dropped at the end", "experiment", name, "dropped", n, "reason", trial.DropShutdown)
		}
		cancel()
	}
	if r.line != nil {
		r.line.Disconnect()
	}
}

// close closes the rooms that trials needed.
func (r *rooms) close() {
	if r.lab != nil {
		r.warn("the comparators did not end in order", r.lab.Close())
	}
	if r.engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainFunctions)
		r.warn("the embedded engine did not end in order", r.engine.Close(ctx))
		cancel()
	}
	if r.store != nil {
		r.warn("the store did not close in order", r.store.Close())
	}
	r.warn("the last traces were not sent", r.observing.close())
}

func (r *rooms) warn(what string, err error) {
	if err != nil {
		r.log.Warn(what, "error", err)
	}
}
