// Package codec writes trials the way stores keep them. In come trials, out go records of two parts: a summary to
// list and search by, and the bodies, packed; and back. It also writes the cursors of pages. Pure.
package codec

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/assaylab/assay"
)

// Record is a trial in the two parts it is kept in.
type Record struct {
	Trial   *assay.Trial
	Seq     int64  // its place in the order in which trials were kept, once it is
	Summary []byte // JSON without bodies and logs
	Bodies  Packed // those
}

// rowBytes is about what a trial takes in rows and indexes beside its summary and bodies.
const rowBytes = 300

// Size is about how many bytes the trial takes, bodies apart.
func (r *Record) Size() int { return len(r.Summary) + len(r.Trial.ID) + rowBytes }

// Encode writes trials. One that cannot be kept fails all of them, with CodeInvalid.
func Encode(trials []assay.Trial) ([]Record, error) {
	records := make([]Record, len(trials))
	for i := range trials {
		t := &trials[i]
		if t.ID == "" || t.Experiment == "" {
			return nil, &assay.Error{Code: assay.CodeInvalid, What: fmt.Sprintf("a trial without id or experiment cannot be kept (id %q, experiment %q)", t.ID, t.Experiment)}
		}
		bare := withoutBodies(t)
		summary, err := json.Marshal(&bare)
		if err != nil {
			return nil, &assay.Error{Code: assay.CodeInvalid, What: "trial " + t.ID + " cannot be kept: " + err.Error(), Err: err}
		}
		records[i] = Record{Trial: t, Summary: summary, Bodies: pack(t)}
	}
	return records, nil
}

// Decode makes a trial of its summary, without bodies.
func Decode(summary []byte) (*assay.Trial, error) {
	t := new(assay.Trial)
	if err := json.Unmarshal(summary, t); err != nil {
		return nil, fmt.Errorf("a kept trial cannot be read: %w", err)
	}
	return t, nil
}

// Join makes a trial of its two parts; bodies is nil if they were not kept, or are gone.
func Join(summary, bodies []byte) (*assay.Trial, error) {
	t, err := Decode(summary)
	if err != nil {
		return nil, err
	}
	if bodies == nil {
		t.Bodies = false
		return t, nil
	}
	return t, unpack(t, bodies)
}

// NotFound says that there is no such trial, or no more.
func NotFound(id string) error {
	return &assay.Error{
		Code: assay.CodeNotFound, What: "there is no trial " + id,
		Hint: "the oldest trials go when the store is full; their counts stay",
	}
}

// parts points at every body and log of a trial, in a fixed order.
func parts(t *assay.Trial) []*[]byte {
	p := []*[]byte{&t.Invocation.Payload, &t.Control.Body, &t.Control.Log}
	if t.Invocation.Request != nil {
		p = append(p, &t.Invocation.Request.Body)
	}
	if t.Secondary != nil {
		p = append(p, &t.Secondary.Observation.Body, &t.Secondary.Observation.Log)
	}
	for i := range t.Candidates {
		p = append(p, &t.Candidates[i].Observation.Body, &t.Candidates[i].Observation.Log)
	}
	return p
}

// withoutBodies returns the trial without its parts; t stays as it is.
func withoutBodies(t *assay.Trial) assay.Trial {
	bare := *t
	if t.Invocation.Request != nil {
		request := *t.Invocation.Request
		bare.Invocation.Request = &request
	}
	if t.Secondary != nil {
		secondary := *t.Secondary
		bare.Secondary = &secondary
	}
	bare.Candidates = slices.Clone(t.Candidates)
	for _, p := range parts(&bare) {
		*p = nil
	}
	return bare
}

var errPacked = errors.New("the bodies of a kept trial cannot be read")

// unpack puts back the bodies that were taken from a trial of the same shape.
func unpack(t *assay.Trial, b []byte) error {
	all := parts(t)
	for i, p := range all {
		head, n := binary.Uvarint(b)
		if n <= 0 {
			return errPacked
		}
		b = b[n:]
		switch {
		case head == 0:
			*p = nil
		case head%2 == 1 && head/2 < uint64(i):
			*p = *all[head/2]
		case head%2 == 0 && head/2-1 <= uint64(len(b)):
			*p, b = b[:head/2-1:head/2-1], b[head/2-1:]
		default:
			return errPacked
		}
	}
	if len(b) > 0 {
		return errPacked
	}
	return nil
}
