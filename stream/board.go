package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/assaylab/assay"
)

// known is the newest version of an experiment that was seen on the board.
type known struct {
	version  int
	revision uint64 // of the bucket
}

const whatDefinition = "definition of "

// Post makes e the newest version of its experiment for everybody. It follows on the version before: of two
// machines that change one at once the second fails, with CodeConflict.
func (s *Stream) Post(ctx context.Context, e assay.Experiment) error {
	ctx, cancel := context.WithTimeout(ctx, exchange)
	defer cancel()
	bucket, err := s.definitions(ctx)
	if err != nil {
		return err
	}
	data, err := s.sealDefinition(e)
	if err != nil {
		return err
	}
	last := s.seen(e.Name)
	if last.version >= e.Version {
		return conflict(e.Name)
	}
	revision, err := bucket.Update(ctx, token(e.Name), data, last.revision) // 0: there is none yet
	switch {
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return conflict(e.Name)
	case err != nil:
		return s.unreachable(err)
	}
	s.see(e.Name, known{e.Version, revision})
	return nil
}

func conflict(name string) error {
	return &assay.Error{
		Code: assay.CodeConflict, What: "experiment " + name + " was changed on another machine at the same time",
		Hint: "look at it (`assay describe " + name + "`), and repeat the change if it is still wanted",
	}
}

func (s *Stream) unreachable(err error) error {
	return &assay.Error{
		Code: assay.CodeUnreachable, What: "the stream does not answer, so nothing was changed: " + err.Error(), Where: redacted(s.opt.URL),
		Hint: "experiments go on as they are; change them when it is back", Err: err,
	}
}

func (s *Stream) definitions(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := s.findBucket(ctx)
	if s.forget(err) { // somebody deleted it
		bucket, err = s.findBucket(ctx)
	}
	if err != nil {
		return nil, s.unreachable(err)
	}
	return bucket, nil
}

func (s *Stream) findBucket(ctx context.Context) (jetstream.KeyValue, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	return s.js.KeyValue(ctx, s.bucket())
}

func (s *Stream) sealDefinition(e assay.Experiment) ([]byte, error) {
	plain, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return s.sealer.seal(plain, whatDefinition+token(e.Name))
}

func (s *Stream) openDefinition(key string, data []byte) (e assay.Experiment, err error) {
	plain, err := s.sealer.open(data, whatDefinition+key)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(plain, &e)
}

func (s *Stream) seen(name string) known {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[name]
}

func (s *Stream) see(name string, k known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k.revision > s.known[name].revision {
		s.known[name] = k
	}
}

// Follow calls each with every version on the board, from the oldest that is remembered, as they come, and
// caught once it has seen all there were at the beginning. It goes on until ctx ends; a version may come again.
func (s *Stream) Follow(ctx context.Context, each func(assay.Experiment), caught func()) {
	var pause time.Duration
	for ctx.Err() == nil {
		err := s.follow(ctx, each, func() { pause = 0; caught() })
		if ctx.Err() == nil {
			s.opt.Log.Warn("definitions cannot be followed: they stay as they are until they can", "error", err)
		}
		wait(ctx, &pause)
	}
}

var errEnded = errors.New("the server ended it")

func (s *Stream) follow(ctx context.Context, each func(assay.Experiment), caught func()) error {
	bucket, err := s.definitions(ctx)
	if err != nil {
		return err
	}
	watcher, err := bucket.WatchAll(ctx, jetstream.IncludeHistory())
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for entry := range watcher.Updates() {
		if entry == nil {
			caught()
			continue
		}
		e, err := s.openDefinition(entry.Key(), entry.Value())
		if err != nil {
			s.opt.Log.Error("a definition cannot be read: do all machines have the same key?", "error", fmt.Errorf("%s: %w", entry.Key(), err))
			continue
		}
		s.see(e.Name, known{e.Version, entry.Revision()})
		each(e)
	}
	return errEnded
}
