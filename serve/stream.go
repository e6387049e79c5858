package serve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/laboratory"
	"github.com/assaylab/assay/process"
	"github.com/assaylab/assay/stream"
	"github.com/assaylab/assay/trial"
)

// streamOptions are the flags of a stream.
type streamOptions struct {
	url, credentials, ca, cert, certKey string
	key                                 string
	replicas                            int
}

func (o *streamOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.url, "stream", "", "trials by many machines: nats://HOST:PORT[,HOST:PORT...][/NAME], with JetStream (default $ASSAY_STREAM)")
	f.StringVar(&o.credentials, "stream-creds", "", "file of NATS credentials: a JWT with its seed, or the seed of an NKey")
	f.StringVar(&o.ca, "stream-ca", "", "file of the certificates that NATS servers are checked by")
	f.StringVar(&o.cert, "stream-cert", "", "file of the certificate shown to NATS servers")
	f.StringVar(&o.certKey, "stream-key", "", "file of that certificate's key")
	f.IntVar(&o.replicas, "stream-replicas", 1, "copies of what is in the stream, when it is made: 3 in a cluster")
	f.StringVar(&o.key, "key", "", "file of the key that all machines share, 32 bytes (default redaction.key under --data)")
}

// check finds what machines cannot share trials without.
func (o *streamOptions) check(store string) error {
	switch {
	case o.url == "":
		return nil
	case !strings.HasPrefix(store, "postgres"):
		return process.Invalid("with --stream machines need a store that they share: in a file of its own each would count what it tried alone", "give --store postgres://user:password@host:port/database, the same on all")
	case o.key == "":
		return process.Invalid("with --stream machines need the key that they share", "give --key FILE, the same on all; `head -c 32 /dev/urandom > FILE` makes one")
	}
	return nil
}

// secret is the key of redaction; one whose file is named must be there.
func (o *streamOptions) secret(p *process.Process, data string) ([]byte, error) {
	if o.key == "" {
		return secretKey(filepath.Join(data, "redaction.key"))
	}
	path := p.Absolute(o.key)
	if _, err := os.Stat(path); err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the key that machines share cannot be read: " + err.Error(), Where: "--key " + o.key, Hint: "make one with `head -c 32 /dev/urandom > FILE`, and give all machines the same"}
	}
	return secretKey(path)
}

// reachFor is how long a start waits for the stream.
const reachFor = 10 * time.Second

// line is an open stream, and what follows the definitions on it.
type line struct {
	*stream.Stream
	worker  *stream.Worker
	stop    []context.CancelFunc // of the worker, of following
	running sync.WaitGroup
}

// openLine connects to the stream; nil if none is named.
func openLine(ctx context.Context, p *process.Process, o streamOptions, key []byte, log *slog.Logger) (*line, error) {
	file := func(name string) string {
		if name == "" {
			return ""
		}
		return p.Absolute(name)
	}
	s, err := stream.Open(stream.Options{
		URL: o.url, Credentials: file(o.credentials), CA: file(o.ca), Cert: file(o.cert), CertKey: file(o.certKey),
		Key: key, Replicas: o.replicas, Log: log,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reachFor)
	defer cancel()
	if err := s.Reached(ctx); err != nil {
		s.Disconnect()
		return nil, err
	}
	return &line{Stream: s}, nil
}

// follow lets a laboratory adopt what is and what comes to the board. It returns once all is in force that was there.
func (l *line) follow(ctx context.Context, lab *laboratory.Laboratory, log *slog.Logger) error {
	lab.Shared(l.Stream)
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = append(l.stop, stop)
	caught := make(chan struct{})
	var once sync.Once
	adopt := func(e assay.Experiment) {
		if err := lab.Adopt(following, e); err != nil && following.Err() == nil {
			log.Error("an experiment that was changed on another machine cannot go into force here", "experiment", e.Name, "version", e.Version, "error", err)
		}
	}
	l.running.Go(func() { l.Follow(following, adopt, func() { once.Do(func() { close(caught) }) }) })
	select {
	case <-caught:
		return nil
	case <-time.After(reachFor):
		return &assay.Error{Code: assay.CodeUnreachable, What: "the definitions in the stream cannot be read", Hint: "is a NATS server with JetStream running there?"}
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work pulls so many offers at once; none, if zero.
func (l *line) work(hand assay.Hand, workers int) {
	ctx, stop := context.WithCancel(context.Background())
	l.stop = append(l.stop, stop)
	l.worker = l.Work(ctx, hand, workers)
}

// drain ends pulling and following. What was offered can still be handed over.
func (l *line) drain() {
	for _, stop := range l.stop {
		stop()
	}
	if l.worker != nil {
		l.worker.Wait()
	}
	l.running.Wait()
}

// sourceName reads under what name this laboratory counts among others, or makes one up.
func sourceName(data string) (string, error) {
	path := filepath.Join(data, "source")
	name, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(name))) > 0 {
		return strings.TrimSpace(string(name)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	made := newSource()
	if err := os.WriteFile(path+".new", []byte(made+"\n"), 0o600); err != nil {
		return "", err
	}
	return made, os.Rename(path+".new", path)
}

func newSource() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// share has a laboratory's trials counted and made among others, if it is not alone.
func (h *house) share(ctx context.Context, p *process.Process, key []byte, o *trial.Options) (err error) {
	if h.opt.alone() {
		return nil
	}
	if o.Source, err = sourceName(h.opt.data); err != nil || h.opt.stream.url == "" {
		return err
	}
	if h.line, err = openLine(ctx, p, h.opt.stream, key, h.log); err != nil {
		return err
	}
	o.Carrier = h.line.Stream
	return nil
}

// alone tells whether a laboratory shares neither its store nor its trials with others.
func (o *upOptions) alone() bool {
	return o.stream.url == "" && !strings.HasPrefix(o.store, "postgres")
}
