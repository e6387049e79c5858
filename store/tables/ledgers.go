package tables

import (
	"encoding/json"
	"errors"

	"github.com/assaylab/assay"
)

// KeepLedgers brings ledgers up to date. They carry totals, and may come late or twice: another machine may
// write down what a source had counted when it handed a trial over.
func KeepLedgers(tx Tx, ledgers []assay.Ledger) error {
	for _, l := range ledgers {
		kept, err := keptLedger(tx, l)
		if err != nil {
			return err
		}
		if err := writeLedger(tx, l.Latest(kept)); err != nil {
			return err
		}
	}
	return nil
}

// KeepRefusals counts offers that were given up and are new to the store.
func KeepRefusals(tx Tx, fresh []assay.Refusal) error {
	all := map[evidence]assay.Ledger{}
	for _, r := range fresh {
		e := evidence{r.Experiment, r.Since}
		all[e] = all[e].Plus(assay.Ledger{Dropped: map[string]int64{r.Reason: 1}})
	}
	for e, l := range all {
		l.Experiment, l.Since, l.Source = e.experiment, e.since, assay.SourceWorkers
		kept, err := keptLedger(tx, l)
		if err != nil {
			return err
		}
		if err := writeLedger(tx, l.Plus(kept)); err != nil {
			return err
		}
	}
	return nil
}

// keptLedger is what is kept of a source, empty if nothing is.
func keptLedger(tx Tx, of assay.Ledger) (kept assay.Ledger, err error) {
	err = tx.Query(func(row Row) error {
		kept, err = scanLedger(row)
		return err
	}, `SELECT `+ledgerColumns+` FROM ledgers WHERE experiment = ? AND since = ? AND source = ?`, of.Experiment, of.Since, of.Source)
	return kept, err
}

const ledgerColumns = `source, requests, offered, sampled, handed, not_sampled, dropped`

func scanLedger(row Row) (l assay.Ledger, err error) {
	var notSampled, dropped []byte
	err = row.Scan(&l.Source, &l.Requests, &l.Offered, &l.Sampled, &l.Handed, &notSampled, &dropped)
	if err != nil {
		return l, err
	}
	return l, errors.Join(json.Unmarshal(notSampled, &l.NotSampled), json.Unmarshal(dropped, &l.Dropped))
}

func writeLedger(tx Tx, l assay.Ledger) error {
	notSampled, err := json.Marshal(l.NotSampled)
	if err != nil {
		return err
	}
	dropped, err := json.Marshal(l.Dropped)
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO ledgers (experiment, since, source, requests, offered, sampled, handed, not_sampled, dropped) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (experiment, since, source) DO UPDATE SET requests = excluded.requests, offered = excluded.offered,
			sampled = excluded.sampled, handed = excluded.handed, not_sampled = excluded.not_sampled, dropped = excluded.dropped`,
		l.Experiment, l.Since, l.Source, l.Requests, l.Offered, l.Sampled, l.Handed, string(notSampled), string(dropped))
}

func readLedgers(tx Tx, c *assay.Counts) error {
	all, err := list(tx, func(row Row) (assay.Ledger, error) {
		l, err := scanLedger(row)
		l.Experiment, l.Since = c.Experiment, c.Since
		return l, err
	}, `SELECT `+ledgerColumns+` FROM ledgers WHERE experiment = ? AND since = ? ORDER BY source`, c.Experiment, c.Since)
	c.SetSources(all)
	return err
}
