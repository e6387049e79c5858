// Package serve is `assay up` and `assay work`: it knows the rooms of a laboratory, opens them, and serves until it is told
// to end. In come flags, definition files and requests; out come answers, trials, and an order in which all of it ends.
package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/clients"
	"github.com/assaylab/assay/compare/image"
	"github.com/assaylab/assay/config"
	"github.com/assaylab/assay/console"
	"github.com/assaylab/assay/console/metrics"
	"github.com/assaylab/assay/lambda/awsapi"
	"github.com/assaylab/assay/lambda/sigv4"
	"github.com/assaylab/assay/notify"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/reading"
	"github.com/assaylab/assay/trial"
	"github.com/assaylab/assay/wire"
)

// The time a shutdown may take: the gateway's clients first, then the console's, trials, functions.
// Together below 10 s.
const (
	drainClients   = 3 * time.Second
	drainTrials    = 3 * time.Second
	drainFunctions = 1 * time.Second
)

// upOptions are the flags of `assay up`.
type upOptions struct {
	files       []string
	gateway     string
	aws         string
	console     string
	data        string
	store       string
	keep        retention
	token       string
	tokenFile   string
	credentials string
	observing   observing
	prices      string
	development bool
	watch       bool
	stream      streamOptions
	workers     int
	limits      limits
	clients     clientLimits
	tls         tlsOptions
}

// UpCommand is `assay up`. The address of the console and the token are flags of all commands: they are read when it
// runs.
func UpCommand(p *process.Process, address, token *string) *cobra.Command {
	var o upOptions
	cmd := &cobra.Command{
		Use: "up [-f FILE]...", Short: "Run the laboratory on this machine", Args: cobra.NoArgs,
		Long: "Run the laboratory: gateway, embedded engine with AWS's Lambda API, trials, store and console.\n" +
			"Files are loaded again when they change; a faulty change leaves the last good version in force.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.token = p.Setting(*token, "ASSAY_TOKEN", "")
			o.console = p.Setting(*address, "ASSAY_CONSOLE", DefaultConsole)
			o.credentials = p.Setting(o.credentials, "ASSAY_AWS_CREDENTIALS", "")
			o.shared(p)
			return up(cmd.Context(), p, o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVarP(&o.files, "file", "f", nil, "definition file or folder; may be repeated")
	f.StringVar(&o.gateway, "gateway", "127.0.0.1:8080", "address of the gateway")
	f.StringVar(&o.aws, "aws", "127.0.0.1:4566", "address of AWS's Lambda API")
	f.StringVar(&o.data, "data", ".assay", "folder of the store and the engine")
	f.StringVar(&o.store, "store", "", "where trials are kept: sqlite:PATH (default under --data), or postgres://user:password@host:port/database (default $ASSAY_STORE)")
	o.keep.flags(f)
	f.StringVar(&o.tokenFile, "token-file", "", "file that holds the token")
	f.StringVar(&o.prices, "prices", "", "file of prices instead of AWS's published ones, as JSON")
	f.StringVar(&o.credentials, "aws-credentials", "", "file of credentials, like ~/.aws/credentials: AWS's address then verifies who signs")
	o.observing.flags(f)
	f.BoolVar(&o.development, "development", false, "name the known routes in the gateway's 404 answers")
	f.BoolVar(&o.watch, "watch", true, "load definitions and function code again when they change")
	o.limits.flags(f)
	o.clients.flags(f)
	o.tls.flags(f)
	o.stream.flags(f)
	f.IntVar(&o.workers, "workers", workersByDefault, "with --stream: offers that this machine tries at once; 0 leaves them to assay work")
	return cmd
}

// shared takes from the environment what machines share and the flags do not say: addresses with passwords, which
// a list of processes would show.
func (o *upOptions) shared(p *process.Process) {
	o.store = p.Setting(o.store, "ASSAY_STORE", "")
	o.stream.url = p.Setting(o.stream.url, "ASSAY_STREAM", "")
}

// house is a running laboratory: its rooms, and the servers before them.
type house struct {
	rooms
	opt      upOptions
	aws      *awsapi.API
	reading  *reading.Reader
	notifier *notify.Notifier
	console  *console.Console
	servers  []*server
	unlock   func()
}

// server is one address with what answers there.
type server struct {
	name     string
	scheme   string // http or https
	clients  *clients.Listener
	listener net.Listener // of the clients, or of TLS on top
	http     answerer     // nil until the rooms are open
}

// answerer serves an address until it is shut down.
type answerer interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// up builds the house from the ground, serves until ctx ends, and takes it down again.
func up(ctx context.Context, p *process.Process, o upOptions) error {
	began := time.Now()
	h, err := build(ctx, p, o)
	if err != nil {
		return err
	}
	group, serving := errgroup.WithContext(ctx)
	for _, s := range h.servers {
		group.Go(s.serve)
	}
	var watching sync.WaitGroup
	if o.watch {
		follow := h.watch(p) // before anybody can have read that it is ready
		watching.Go(func() { follow(serving) })
	}
	watching.Go(func() { h.lab.Conduct(serving) })
	watching.Go(func() { h.notifier.Run(serving) })
	watching.Go(func() { h.heap.follow(serving, h.connections) })
	h.log.Info("ready", append(h.addresses(), "in", time.Since(began).Round(time.Millisecond).String())...)
	tellSupervisor(p, h.log, stateReady)
	<-serving.Done()
	h.log.Info("stopping: no new requests are taken")
	tellSupervisor(p, h.log, stateStopping)
	watching.Wait()
	h.close()
	err = group.Wait()
	h.log.Info("stopped")
	return err
}

// build opens everything in an order in which what fails leaves nothing behind.
func build(ctx context.Context, p *process.Process, o upOptions) (*house, error) {
	log, err := logger(p.Stderr, o.observing)
	if err != nil {
		return nil, err
	}
	o.data = p.Absolute(o.data)
	for _, address := range []*string{&o.gateway, &o.aws, &o.console} {
		if strings.HasPrefix(*address, ":") { // a port alone means this machine, not the whole network
			*address = "127.0.0.1" + *address
		}
	}
	if o.token, err = token(p, o); err != nil {
		return nil, err
	}
	doc, err := Load(p, o.files)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(o.clients.check(), o.stream.check(o.store)); err != nil {
		return nil, err
	}
	relaxCollector(growthBusy)
	h := &house{opt: o, rooms: rooms{log: log, data: o.data}}
	if err := h.open(ctx, p, doc); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *house) open(ctx context.Context, p *process.Process, doc config.Document) (err error) {
	if err := h.listen(p); err != nil {
		return err
	}
	h.front = h.addressOf()["gateway"]
	if h.unlock, err = lock(h.opt.data); err != nil {
		return err
	}
	if err := h.rooms.open(ctx, p, h.opt, func(key []byte, lane *trial.Options) error { return h.share(ctx, p, key, lane) }); err != nil {
		return err
	}
	credentials, err := awsCredentials(p, h.opt)
	if err != nil {
		return err
	}
	if h.aws, err = awsapi.New(awsapi.Options{Engine: h.engine, Plane: h.engine.Plane, Token: h.opt.token, Credentials: credentials, Log: h.log}); err != nil {
		return err
	}
	if err := h.openNotifier(p); err != nil {
		return err
	}
	if err := h.lab.Load(ctx); err != nil {
		return err
	}
	if err := h.put(ctx, doc); err != nil {
		return err
	}
	if err := h.openConsole(); err != nil {
		return err
	}
	h.attach()
	if h.line != nil {
		h.line.work(h.floor, h.opt.workers)
	}
	return nil
}

func (h *house) openConsole() (err error) {
	h.console, err = console.New(console.Options{
		Laboratory: h.lab, Functions: h.lab.Functions(), Store: h.store, Router: h.lab, Archive: h.lab,
		Version: process.Version(), Addresses: h.addressOf(), Token: h.opt.token,
		Log: h.log, Pixels: image.Pixels, Ready: h.ready, Outage: h.floor.Outage, House: newWatchman(h).house, Clients: h.clients,
		Reading: h.reading, Metrics: []metrics.Family{notifications(h.notifier)},
	})
	return err
}

// ready tells whether what is kept can be read.
func (h *house) ready(ctx context.Context) error {
	_, err := h.store.Load(ctx)
	return err
}

// listen takes the addresses first: one in use is the likeliest failure.
func (h *house) listen(p *process.Process) error {
	for _, a := range []struct{ name, flag, address string }{
		{"gateway", "--gateway", h.opt.gateway}, {"aws", "--aws", h.opt.aws}, {"console", "--console", h.opt.console},
	} {
		signed := a.name == "aws" && h.opt.credentials != ""
		if !loopback(a.address) && h.opt.token == "" && a.name != "gateway" && !signed {
			return &assay.Error{
				Code: assay.CodeInvalid, What: "the " + a.name + " address is not on loopback, and there is no token", Where: a.flag + " " + a.address,
				Hint: "give --token or --token-file, or listen on 127.0.0.1",
			}
		}
		l, err := net.Listen("tcp", a.address)
		if err != nil {
			return ListenError(a.flag, a.address, err)
		}
		taken := &clients.Listener{Listener: l, Limits: h.opt.clients.of(a.name), Log: h.log}
		s := &server{name: a.name, scheme: "http", clients: taken, listener: taken}
		h.servers = append(h.servers, s)
		if err := h.opt.tls.secure(p, s); err != nil {
			return err
		}
		taken.Limits.Silent = s.scheme == "https"
	}
	return nil
}

// attach puts the rooms behind their addresses. Slow clients are given time for headers, not for ever. What
// the gateway can relay in bytes does not go through net/http.
func (h *house) attach() {
	handlers := map[string]http.Handler{
		"gateway": h.gateway, "console": h.console, "aws": h.aws,
	}
	for _, s := range h.servers {
		plain := &http.Server{
			Handler: s.clients.Handler(handlers[s.name]), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
			ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
		}
		s.http = plain
		if s.name == "gateway" {
			s.http = wire.New(h.gateway, plain)
		}
	}
}

func (s *server) serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// addressOf is where each room listens.
func (h *house) addressOf() map[string]string {
	all := map[string]string{}
	for _, s := range h.servers {
		all[s.name] = s.listener.Addr().String()
	}
	return all
}

// urlOf is where a room is called.
func (h *house) urlOf(name string) string {
	i := slices.IndexFunc(h.servers, func(s *server) bool { return s.name == name })
	return h.servers[i].scheme + "://" + h.servers[i].listener.Addr().String()
}

// clients tells of those of each address.
func (h *house) clients() map[string]clients.Counts {
	all := map[string]clients.Counts{}
	for _, s := range h.servers {
		all[s.name] = s.clients.Counts()
	}
	return all
}

// connections are those of clients at all addresses, and of these the ones that bring traffic.
func (h *house) connections() (all, traffic int64) {
	for _, s := range h.servers {
		open := s.clients.Counts().Open
		all += open
		if s.name != "console" {
			traffic += open
		}
	}
	return all, traffic
}

func (h *house) addresses() []any {
	var all []any
	for _, s := range h.servers {
		all = append(all, s.name, s.listener.Addr().String())
	}
	return all
}

// close takes the house down from the roof: first what takes requests, then what they need. Trials may
// still use the AWS address, so it goes after them.
func (h *house) close() {
	h.closeServer("gateway", drainClients)
	if h.console != nil {
		h.console.Close()
	}
	h.closeServer("console", drainFunctions)
	h.drain()
	h.closeServer("aws", 0)
	h.rooms.close()
	if h.unlock != nil {
		h.unlock()
	}
}

// closeServer takes no more requests at an address, and gives those under way some time.
func (h *house) closeServer(name string, limit time.Duration) {
	i := slices.IndexFunc(h.servers, func(s *server) bool { return s.name == name })
	if i < 0 {
		return
	}
	s := h.servers[i]
	if s.http == nil { // it never served
		s.listener.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		if limit > 0 {
			h.log.Warn("some requests were cut off: they took longer than the shutdown may", "address", name, "after", limit.String())
		}
		s.http.Close()
	}
}

// lock keeps two laboratories from sharing one data folder. The kernel frees it when the process ends.
func lock(data string) (unlock func(), err error) {
	if err := process.DataFolder(data); err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the data folder cannot be made", Where: data, Hint: "choose another with --data", Err: err}
	}
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the data folder cannot be written: " + err.Error(), Where: data, Hint: "choose another with --data"}
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, &assay.Error{Code: assay.CodeConflict, What: "another laboratory uses this data folder", Where: data, Hint: "stop it, or choose another folder with --data"}
	}
	return func() { f.Close() }, nil
}

// keySize is the number of bytes in a key of redaction.
const keySize = 32

// secretKey reads the key of redaction, or makes one. It lasts as long as the data it marks.
func secretKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		key, err = newKey(path)
	}
	if err == nil && len(key) != keySize {
		err = fmt.Errorf("it has %d bytes instead of %d", len(key), keySize)
	}
	if err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the key of redaction cannot be used: " + err.Error(), Where: path, Hint: "choose another folder with --data, or remove the file: hashes kept so far then match no new ones"}
	}
	return key, nil
}

// newKey makes a key that is there whole or not at all.
func newKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	if err := os.WriteFile(path+".new", key, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(path+".new", path)
}

func seed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	var n uint64
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

func token(p *process.Process, o upOptions) (string, error) {
	if o.tokenFile == "" {
		return o.token, nil
	}
	b, err := os.ReadFile(p.Absolute(o.tokenFile))
	if err != nil || strings.TrimSpace(string(b)) == "" {
		return "", &assay.Error{Code: assay.CodeInvalid, What: "the token file cannot be read, or is empty", Where: o.tokenFile, Hint: "put one line into it, for example from `openssl rand -hex 32`"}
	}
	return strings.TrimSpace(string(b)), nil
}

// awsCredentials are those that AWS's address knows; none if no file is named.
func awsCredentials(p *process.Process, o upOptions) ([]sigv4.Credential, error) {
	if o.credentials == "" {
		return nil, nil
	}
	var all []sigv4.Credential
	file, err := os.Open(p.Absolute(o.credentials))
	if err == nil {
		defer file.Close()
		all, err = sigv4.ReadCredentials(file)
	}
	if err != nil {
		return nil, &assay.Error{
			Code: assay.CodeInvalid, What: "the credentials for AWS's address cannot be read: " + err.Error(), Where: "--aws-credentials " + o.credentials,
			Hint: "write it like ~/.aws/credentials: [name], aws_access_key_id = ..., aws_secret_access_key = ...", Err: err,
		}
	}
	return all, nil
}

// Load reads definition files and folders.
func Load(p *process.Process, files []string) (config.Document, error) {
	var paths []string
	for _, f := range files {
		paths = append(paths, p.Absolute(f))
	}
	return config.Load(paths, config.Options{LookupEnv: p.Env})
}
