package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/tables"
)

// Keep implements assay.Store. Strings that are not UTF-8 are kept with U+FFFD for what is not; bodies and logs are
// kept as they are. After an error it is not known whether the batch was kept, unless it was refused as invalid:
// keeping it again is what finds out, and counts it once.
func (s *Store) Keep(ctx context.Context, b assay.Batch) error {
	records, err := codec.Encode(b.Trials)
	if err != nil {
		return err
	}
	err = s.keep(ctx, records, b)
	if is(err, noPartition) { // another laboratory dropped a day meanwhile
		s.forget()
		err = s.keep(ctx, records, b)
	}
	if err != nil {
		return err
	}
	s.prune(ctx)
	return nil
}

func (s *Store) keep(ctx context.Context, records []codec.Record, b assay.Batch) error {
	const what = "trials cannot be kept"
	if err := s.prepare(ctx, daysIn(records)); err != nil {
		return s.fail(what, err)
	}
	return s.within(ctx, pgx.TxOptions{}, what, func(t *tx) error {
		t.lock(records, b)
		if err := t.keepTrials(records); err != nil {
			return err
		}
		if err := t.refuse(b.Refusals); err != nil {
			return err
		}
		if err := tables.KeepStrata(t, b.Strata); err != nil {
			return err
		}
		return tables.KeepLedgers(t, b.Ledgers)
	})
}

func daysIn(records []codec.Record) map[int64]bool {
	days := map[int64]bool{}
	for i := range records {
		days[dayOf(records[i].Trial.Time.UnixMicro())] = true
	}
	return days
}

// lock makes sure that of each experiment there is one such transaction at a time. All take locks in one order.
func (t *tx) lock(records []codec.Record, b assay.Batch) {
	var names []string
	for i := range records {
		names = append(names, cleanText(records[i].Trial.Experiment))
	}
	for i := range b.Refusals {
		names = append(names, cleanText(b.Refusals[i].Experiment))
	}
	for i := range b.Ledgers {
		names = append(names, cleanText(b.Ledgers[i].Experiment))
	}
	for i := range b.Strata {
		names = append(names, cleanText(b.Strata[i].Experiment))
	}
	slices.Sort(names)
	t.waiting.Queue(`SELECT count(pg_advisory_xact_lock(hashtext('assay'), key)) FROM (
		SELECT DISTINCT hashtext(current_schema() || '/' || name) AS key FROM unnest($1::text[]) AS name ORDER BY key) AS keys`, slices.Compact(names))
}

func (t *tx) keepTrials(records []codec.Record) error {
	fresh, err := t.fresh(records)
	if err != nil || len(fresh) == 0 {
		return err
	}
	marks, err := tables.Add(t, fresh)
	if err != nil {
		return err
	}
	return t.insert(fresh, marks)
}

// fresh returns those records that were not kept before, with their place in the order.
func (t *tx) fresh(records []codec.Record) (fresh []codec.Record, err error) {
	if len(records) == 0 {
		return nil, nil
	}
	names, times := make([]string, len(records)), make([]int64, len(records))
	for i := range records {
		names[i], times[i] = cleanText(records[i].Trial.ID), records[i].Trial.Time.UnixMicro()
	}
	isNew, order := t.claim(names, times), []int64(nil)
	t.ask(func(row tables.Row) error {
		var seq int64
		err := row.Scan(&seq)
		order = append(order, seq)
		return err
	}, `SELECT nextval('kept') FROM generate_series(1, ?)`, len(records))
	if err := t.flush(); err != nil {
		return nil, err
	}
	slices.Sort(order)
	for i, r := range records {
		if r.Seq = order[i]; isNew[names[i]] {
			fresh = append(fresh, r)
			delete(isNew, names[i]) // the same once more in the batch
		}
	}
	return fresh, nil
}

// claim asks for those of ids of which nothing was kept before, and keeps them. They are known after the next flush.
func (t *tx) claim(ids []string, times []int64) (isNew map[string]bool) {
	isNew = map[string]bool{}
	t.ask(func(row tables.Row) error {
		var id string
		err := row.Scan(&id)
		isNew[id] = true
		return err
	}, `INSERT INTO ids (id, time) SELECT id, time FROM unnest(?::text[], ?::bigint[]) AS new (id, time) ORDER BY id
		ON CONFLICT (id) DO NOTHING RETURNING id`, ids, times)
	return isNew
}

// refuse counts offers of which nothing was kept before.
func (t *tx) refuse(all []assay.Refusal) error {
	if len(all) == 0 {
		return nil
	}
	ids, times := make([]string, len(all)), make([]int64, len(all))
	for i, r := range all {
		ids[i], times[i] = cleanText(r.ID), r.Time.UnixMicro()
	}
	isNew := t.claim(ids, times)
	if err := t.flush(); err != nil {
		return err
	}
	var fresh []assay.Refusal
	for i, r := range all {
		if isNew[ids[i]] {
			fresh = append(fresh, r)
			delete(isNew, ids[i]) // the same once more in the batch
		}
	}
	return tables.KeepRefusals(t, fresh)
}

// insert copies trials and their marks into the partitions of their days.
func (t *tx) insert(fresh []codec.Record, marks []tables.Mark) error {
	if err := errors.Join(tables.AddSpace(t, fresh), t.flush()); err != nil {
		return err
	}
	_, err := t.CopyFrom(t.ctx, pgx.Identifier{"trials"}, []string{"time", "seq", "id", "experiment", "since", "outcome", "summary", "bodies"},
		pgx.CopyFromSlice(len(fresh), func(i int) ([]any, error) {
			r := &fresh[i]
			return []any{r.Trial.Time.UnixMicro(), r.Seq, cleanText(r.Trial.ID), cleanText(r.Trial.Experiment), r.Trial.Since, string(r.Trial.Outcome()), r.Summary, r.Bodies.Bytes()}, nil
		}))
	if err != nil {
		return err
	}
	_, err = t.CopyFrom(t.ctx, pgx.Identifier{"marks"}, []string{"subject", "outcome", "time", "seq", "since"},
		pgx.CopyFromSlice(len(marks), func(i int) ([]any, error) {
			m := &marks[i]
			return []any{m.Subject, string(m.Outcome), m.Time, m.Seq, m.Since}, nil
		}))
	return err
}
