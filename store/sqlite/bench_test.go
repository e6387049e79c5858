package sqlite

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
	"github.com/assaylab/assay/store/storetest"
)

const benchBatch = 1024

// BenchmarkKeep keeps trials of one candidate with three bodies of 1 kB each, in batches of 256. Its
// floor is what SQLite does alone: the same bytes, one row a trial, nothing counted or indexed.
func BenchmarkKeep(b *testing.B) {
	trials := storetest.Plain(1, benchBatch)
	for _, c := range []struct {
		name     string
		maxBytes int64
	}{{"growing", 0}, {"full", 16 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "assay.db"), Options{MaxBytes: c.maxBytes})
			before := cpuTime(b)
			for n := 0; b.Loop(); n++ {
				keep(b, s, renamed(trials, n)...)
			}
			perTrial(b, before)
		})
	}
	b.Run("floor", func(b *testing.B) { benchmarkFloor(b, trials) })
}

func renamed(trials []assay.Trial, n int) []assay.Trial {
	for i := range trials {
		trials[i].ID = fmt.Sprintf("%08x-%d", uint32(n*benchBatch+i)*2654435761, n) // spread like UUIDs
	}
	return trials
}

// perTrial reports trials a second, and the processor's time for one, which tells more where others work too.
func perTrial(b *testing.B, before time.Duration) {
	trials := float64(b.N) * benchBatch
	b.ReportMetric(trials/b.Elapsed().Seconds(), "trials/s")
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/trials, "cpu-us/trial")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmarkFloor(b *testing.B, trials []assay.Trial) {
	s := open(b, filepath.Join(b.TempDir(), "assay.db"), Options{})
	records, err := codec.Encode(trials)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.writer.Exec(`CREATE TABLE floor (n INTEGER PRIMARY KEY, data BLOB)`); err != nil {
		b.Fatal(err)
	}
	before := cpuTime(b)
	for b.Loop() {
		tx, err := s.writer.Begin()
		if err != nil {
			b.Fatal(err)
		}
		insert, err := tx.Prepare(`INSERT INTO floor (data) VALUES (?)`)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range records {
			if _, err := insert.Exec(append(r.Summary, r.Bodies.Bytes()...)); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	perTrial(b, before)
}

// BenchmarkRead reads a store of many trials in the ways that pages do.
func BenchmarkRead(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "assay.db"), Options{})
	for n := range 80 {
		trials := storetest.Trials(uint64(n), benchBatch)
		keep(b, s, trials...)
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Counts(b.Context(), storetest.Experiment, 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, q := range map[string]assay.Query{
		"page":     {Experiment: storetest.Experiment},
		"filtered": {Experiment: storetest.Experiment, Outcome: assay.OutcomeMismatch, Arm: "one", Path: "status"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Trials(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
