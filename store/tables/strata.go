package tables

import "github.com/assaylab/assay"

// KeepStrata brings up to date what sources have counted of the parts of an experiment's traffic. What is not
// mentioned stays.
func KeepStrata(tx Tx, all []assay.Strata) error {
	for _, s := range all {
		for _, p := range s.Parts {
			err := tx.Exec(`INSERT INTO strata (experiment, since, source, method, route, class, requests, sampled, trials, rare)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
				ON CONFLICT (experiment, since, source, method, route, class) DO UPDATE SET
					requests = excluded.requests, sampled = excluded.sampled, trials = excluded.trials, rare = excluded.rare`,
				s.Experiment, s.Since, s.Source, p.Method, p.Route, p.Class, p.Requests, p.Sampled, p.Trials, p.Rare)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func readStrata(tx Tx, c *assay.Counts) error {
	var all []assay.Strata
	err := tx.Query(func(row Row) error {
		var source string
		var p assay.TrafficStratum
		if err := row.Scan(&source, &p.Method, &p.Route, &p.Class, &p.Requests, &p.Sampled, &p.Trials, &p.Rare); err != nil {
			return err
		}
		if last := len(all) - 1; last < 0 || all[last].Source != source {
			all = append(all, assay.Strata{Experiment: c.Experiment, Since: c.Since, Source: source})
		}
		s := &all[len(all)-1]
		s.Parts = append(s.Parts, p)
		return nil
	}, `SELECT source, method, route, class, requests, sampled, trials, rare
		FROM strata WHERE experiment = ? AND since = ? ORDER BY source, method, route, class`, c.Experiment, c.Since)
	c.SetStrata(all)
	return err
}
