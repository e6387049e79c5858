package tables

import (
	"context"
	"math"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
)

// MicrosPerMinute is the grain in which it is known what the trials of an experiment take.
const MicrosPerMinute = int64(time.Minute / time.Microsecond)

// room is an experiment in one minute since 1970.
type room struct {
	experiment string
	minute     int64
}

// AddSpace books what new trials take.
func AddSpace(tx Tx, fresh []codec.Record) error {
	all := map[room]int64{}
	for i := range fresh {
		r := &fresh[i]
		all[room{r.Trial.Experiment, r.Trial.Time.UnixMicro() / MicrosPerMinute}] += int64(r.Size() + r.Bodies.Len())
	}
	for k, bytes := range all {
		if err := bookSpace(tx, k, bytes); err != nil {
			return err
		}
	}
	return nil
}

// FreeSpace books what went of an experiment's trials of one minute.
func FreeSpace(tx Tx, experiment string, minute, bytes int64) error {
	if err := bookSpace(tx, room{experiment, minute}, -bytes); err != nil {
		return err
	}
	return tx.Exec(`DELETE FROM space WHERE experiment = ? AND minute = ? AND bytes <= 0`, experiment, minute)
}

func bookSpace(tx Tx, k room, bytes int64) error {
	return tx.Exec(`INSERT INTO space (experiment, minute, bytes) VALUES (?, ?, ?)
		ON CONFLICT (experiment, minute) DO UPDATE SET bytes = space.bytes + excluded.bytes`, k.experiment, k.minute, bytes)
}

// Cut is what an experiment's own limits leave no room for: its trials from one time to another, in microseconds since
// 1970. There are none from before.
type Cut struct {
	Experiment   string
	From, Before int64
}

// Cuts lists what has to go of experiments that say how much of their trials is kept.
func Cuts(tx Tx, now time.Time) (cuts []Cut, err error) {
	all, err := list(tx, document[assay.Experiment], newestDefinitions)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.Keep == (assay.Keep{}) {
			continue
		}
		c, err := cut(tx, e.Name, e.Keep, now)
		if err != nil {
			return nil, err
		}
		if c.From < c.Before {
			cuts = append(cuts, c)
		}
	}
	return cuts, nil
}

// cut goes to the minute. The newest one stays, however much it takes.
func cut(tx Tx, experiment string, k assay.Keep, now time.Time) (c Cut, err error) {
	c.Experiment = experiment
	size := k.Size
	if size == 0 {
		size = math.MaxInt64
	}
	err = tx.Query(func(row Row) error {
		var oldest, newest, full int64
		err := row.Scan(&oldest, &newest, &full)
		before := min(full+1, newest)
		if k.For > 0 {
			before = max(before, now.Add(-k.For).UnixMicro()/MicrosPerMinute)
		}
		c.From, c.Before = oldest*MicrosPerMinute, before*MicrosPerMinute
		return err
	}, `SELECT coalesce(min(minute), 0), coalesce(max(minute), 0), coalesce((SELECT max(minute) FROM (
			SELECT minute, sum(bytes) OVER (ORDER BY minute DESC) AS total FROM space WHERE experiment = ?) AS sums WHERE total > CAST(? AS BIGINT)), -1)
		FROM space WHERE experiment = ? HAVING count(*) > 0`, experiment, size, experiment)
	return c, err
}

// KeptBytes implements assay.Measured.
func (t Tables) KeptBytes(ctx context.Context) (bytes int64, err error) {
	err = t.read(ctx, "what trials take cannot be read", func(tx Tx) error {
		return tx.Query(func(row Row) error { return row.Scan(&bytes) }, `SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM space`)
	})
	return bytes, err
}
