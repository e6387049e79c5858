package stream

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/assaylab/assay"
)

// Options of a stream. URL and Key are needed; the rest has defaults.
type Options struct {
	// URL names the servers, and after the slash what these laboratories call theirs, "assay" if nothing:
	// nats://one:4222,two:4222/staging. tls:// and user:password@ are NATS's own.
	URL         string
	Credentials string // file of NATS's credentials: a JWT with its seed, or the seed of an NKey alone
	CA          string // file of the certificates that servers are checked by
	Cert        string // file of the client's own certificate
	CertKey     string // and its key
	Key         []byte // that all machines share
	Log         *slog.Logger
	// Of what is made when there is none: later it is whoever runs NATS who changes it.
	MaxBytes int64         // that wait for workers, 1 GB if zero
	Replicas int           // copies of all, 1 if zero
	AckWait  time.Duration // after which another worker tries what a dead one had, 10 s if zero
	// Waiting is how many offers wait at most for the stream to take them, 10,000 if zero.
	Waiting int
}

// Stream is a connection to JetStream. It connects again for as long as it is open.
type Stream struct {
	opt    Options
	name   string
	conn   *nats.Conn
	js     jetstream.JetStream
	sealer *sealer

	publisher *publisher

	mu    sync.Mutex
	ready bool // stream, consumer and bucket are there
	known map[string]known
}

// The time one exchange with the server may take, and the pause before another attempt.
const (
	exchange = 2 * time.Second
	pauseMin = 50 * time.Millisecond
	pauseMax = 2 * time.Second
)

// Open connects, and goes on trying when no server answers. Disconnect ends it.
func Open(opt Options) (*Stream, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	opt.MaxBytes, opt.Replicas = cmp.Or(opt.MaxBytes, 1<<30), cmp.Or(opt.Replicas, 1)
	opt.AckWait, opt.Waiting = cmp.Or(opt.AckWait, 10*time.Second), cmp.Or(opt.Waiting, 10_000)
	servers, name, err := split(opt.URL)
	if err != nil {
		return nil, err
	}
	s := &Stream{opt: opt, name: name, known: map[string]known{}}
	if s.sealer, err = newSealer(opt.Key); err != nil {
		return nil, err
	}
	identity, err := opt.identity()
	if err != nil {
		return nil, err
	}
	if s.conn, err = nats.Connect(servers, append(s.settings(), identity...)...); err != nil {
		return nil, &assay.Error{Code: assay.CodeInvalid, What: "the stream cannot be used: " + err.Error(), Where: redacted(opt.URL), Hint: "name NATS servers with JetStream, as in --stream nats://127.0.0.1:4222", Err: err}
	}
	if s.js, err = jetstream.New(s.conn); err != nil {
		s.conn.Close()
		return nil, err
	}
	s.publisher = newPublisher(s)
	return s, nil
}

// split takes the name of ours from the end of an address. Servers after the first may go without a scheme.
func split(address string) (servers, name string, err error) {
	var hosts []string
	scheme := ""
	for part := range strings.SplitSeq(address, ",") {
		if !strings.Contains(part, "://") {
			part = scheme + "://" + part
		}
		u, err := url.Parse(part)
		if err != nil || u.Host == "" || strings.ContainsAny(strings.Trim(u.Path, "/"), "./*> ") {
			return "", "", &assay.Error{Code: assay.CodeInvalid, What: "the address of the stream cannot be read", Hint: "write it as nats://HOST:PORT, or nats://ONE:PORT,TWO:PORT/NAME"}
		}
		name, scheme = cmp.Or(strings.Trim(u.Path, "/"), name), u.Scheme
		u.Path = ""
		hosts = append(hosts, u.String())
	}
	return strings.Join(hosts, ","), cmp.Or(name, "assay"), nil
}

// Reached waits until the stream answers and is ready for use, or ctx ends. A server that knows us and refuses us is
// not waited for.
func (s *Stream) Reached(ctx context.Context) error {
	var pause time.Duration
	for {
		err := s.prepare(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, nats.ErrAuthorization):
			return &assay.Error{Code: assay.CodeUnreachable, What: "the stream refuses this laboratory: " + err.Error(), Where: redacted(s.opt.URL), Hint: hint(err), Err: err}
		case !wait(ctx, &pause):
			return &assay.Error{Code: assay.CodeUnreachable, What: "the stream does not answer: " + err.Error(), Where: redacted(s.opt.URL), Hint: hint(err), Err: err}
		}
	}
}

// Connected tells whether a server is connected at this moment.
func (s *Stream) Connected() bool { return s.conn.IsConnected() }

// Close implements assay.Carrier. The connection stays.
func (s *Stream) Close(ctx context.Context, reason string) { s.publisher.close(ctx, reason) }

// Disconnect gives back the connection, when all else has ended.
func (s *Stream) Disconnect() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.publisher.close(ctx, dropStream)
	s.conn.Close()
}

var _ assay.Carrier = (*Stream)(nil)

// prepare makes the stream, its consumer and the bucket, where there are none.
func (s *Stream) prepare(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		return nil
	}
	if !s.conn.IsConnected() {
		return cmp.Or(s.conn.LastError(), nats.ErrDisconnected)
	}
	ctx, cancel := context.WithTimeout(ctx, exchange)
	defer cancel()
	for _, make := range []func(context.Context) error{s.makeStream, s.makeConsumer, s.makeBucket} {
		if err := make(ctx); err != nil {
			return err
		}
	}
	s.ready = true
	return nil
}

// forget tells whether an error says that what prepare made is gone from the server: it is made again then.
func (s *Stream) forget(err error) bool {
	bucket := errors.Is(err, jetstream.ErrBucketNotFound)
	if !bucket && !errors.Is(err, jetstream.ErrConsumerNotFound) && !errors.Is(err, jetstream.ErrStreamNotFound) && !errors.Is(err, jetstream.ErrNoStreamResponse) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = false
	if bucket {
		clear(s.known) // revisions begin anew
	}
	return true
}

func (s *Stream) offers() string { return s.name + "-offers" }

func (s *Stream) makeStream(ctx context.Context) error {
	_, err := s.js.Stream(ctx, s.offers())
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return err
	}
	_, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: s.offers(), Subjects: []string{s.name + ".offers.>"}, Description: "offers of Assay that wait for workers",
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: s.opt.MaxBytes,
		Storage: jetstream.FileStorage, Replicas: s.opt.Replicas, Duplicates: 2 * time.Minute,
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil // another machine was faster
	}
	return err
}

const workers = "workers"

func (s *Stream) makeConsumer(ctx context.Context) error {
	_, err := s.js.Consumer(ctx, s.offers(), workers)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return err
	}
	_, err = s.js.CreateOrUpdateConsumer(ctx, s.offers(), jetstream.ConsumerConfig{
		Durable: workers, AckPolicy: jetstream.AckExplicitPolicy, AckWait: s.opt.AckWait, MaxDeliver: -1, MaxAckPending: 10_000, MaxWaiting: 10_000,
	})
	return err
}

func (s *Stream) bucket() string { return s.name + "-definitions" }

// history is how many versions of a definition the bucket remembers, for offers that were made under them.
const history = 16

func (s *Stream) makeBucket(ctx context.Context) error {
	_, err := s.js.KeyValue(ctx, s.bucket())
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return err
	}
	_, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: s.bucket(), Description: "experiments of Assay", History: history, Storage: jetstream.FileStorage, Replicas: s.opt.Replicas,
	})
	if errors.Is(err, jetstream.ErrBucketExists) {
		return nil
	}
	return err
}

// subject is where the frames of one ledger go.
func (s *Stream) subject(of assay.Ledger) string {
	return strings.Join([]string{s.name, "offers", token(of.Source), token(of.Experiment), strconv.Itoa(of.Since)}, ".")
}

// again is where offers go that come from a frame in which one may be poison.
func (s *Stream) again() string { return s.name + ".offers.again" }

// token writes any text as a part of a subject, or a key.
func token(text string) string { return "t" + base64.RawURLEncoding.EncodeToString([]byte(text)) }

// wait pauses, longer at each attempt; false when ctx ended.
func wait(ctx context.Context, pause *time.Duration) bool {
	*pause = min(max(2*(*pause), pauseMin), pauseMax)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(*pause):
		return true
	}
}
