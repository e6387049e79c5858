package tables

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assaylab/assay"
	"github.com/assaylab/assay/store/codec"
)

// archived is a table whose rows are exported and imported as they are.
type archived struct {
	name  string
	key   string // the column that names the experiment
	order string
	// columns have a type each: s text, i whole number, f number, b bytes.
	columns string
}

// all of them; what trials are searched by is made anew from the trials.
var all = []archived{
	{"definitions", "name", "name, version", "name:s version:i experiment:s"},
	{"ledgers", "experiment", "experiment, since, source", "experiment:s since:i source:s requests:i offered:i sampled:i handed:i not_sampled:s dropped:s"},
	{"strata", "experiment", "experiment, since, source, method, route, class", "experiment:s since:i source:s method:s route:s class:s requests:i sampled:i trials:i rare:i"},
	{"evidence", "experiment", "experiment, since", "experiment:s since:i trials:i first:i last:i"},
	{"arms", "experiment", "arm", "experiment:s since:i role:s name:s observations:i faults:s cold:i latency:b cold_latency:b max_memory_mb:i " +
		"cost_usd:f cost_squares:f priced:i trials:i matches:i mismatches:i ignored:i paired:i candidate_only:i secondary_only:i both:i " +
		"cold_trials:i cold_mismatches:i fault_only:i secondary_fault_only:i warm_pairs:i"},
	{"blocks", "experiment", "experiment, since, arm, measure", "experiment:s since:i arm:s measure:s data:b"},
	{"paths", "experiment", "experiment, since, arm, path, kind", "experiment:s since:i arm:s path:s kind:s mismatches:i ignored:i noise:i candidate_only:i secondary_only:i"},
	{"minutes", "experiment", "experiment, since, minute, role, arm", "experiment:s since:i minute:i role:s arm:s observations:i cold:i faults:i mismatches:i micros:i latency:b"},
	{"milestones", "experiment", "experiment, since, arm, trials", "experiment:s since:i arm:s trials:i mismatches:i time:i"},
	{"noise", "experiment", "experiment, path, kind, seq", "experiment:s path:s kind:s seq:i trial:s time:i control:s secondary:s"},
	{"excuses", "experiment", "experiment, since, arm, rule", "experiment:s since:i arm:s rule:s hits:i candidate_only:i secondary_only:i last:i"},
	{"candidates", "experiment", "experiment, arm", "experiment:s arm:s trials:i"},
	{"clusters", "experiment", "experiment, arm, id", "experiment:s arm:s id:s signature:s count:i first:i last:i first_version:i last_version:i example:s began:i seen:i returns:i"},
	{"remarks", "experiment", "experiment, arm, id", "experiment:s arm:s id:s state:s by:s time:i"},
	{"rollouts", "experiment", "seq", "experiment:s standing:s step:s"},
}

// column is a name and a type.
type column struct {
	name string
	kind byte
}

func (a archived) list() (columns []column) {
	for _, c := range strings.Fields(a.columns) {
		name, kind, _ := strings.Cut(c, ":")
		columns = append(columns, column{name, kind[0]})
	}
	return columns
}

// expression reads a column: the order of samples counts on in the store that they come to, before any trial.
func (c column) expression(table string) string {
	if table == "noise" && c.name == "seq" {
		return `seq - (SELECT max(seq) FROM noise)`
	}
	return `"` + c.name + `"`
}

// hole is where a value of a column goes.
func (c column) hole() any {
	switch c.kind {
	case 'i':
		return new(int64)
	case 'f':
		return new(float64)
	case 'b':
		return new([]byte)
	}
	return new(string)
}

// Export hands out the rows of an experiment, or of all if it is "".
func Export(tx Tx, experiment string, each func(assay.Kept) error) error {
	for _, a := range all {
		if err := a.export(tx, experiment, each); err != nil {
			return err
		}
	}
	return nil
}

func (a archived) export(tx Tx, experiment string, each func(assay.Kept) error) error {
	columns := a.list()
	expressions := make([]string, len(columns))
	for i, c := range columns {
		expressions[i] = c.expression(a.name)
	}
	query := fmt.Sprintf(`SELECT %s FROM %s WHERE ? IN ('', %s) ORDER BY %s`, strings.Join(expressions, ", "), a.name, a.key, a.order)
	return tx.Query(func(row Row) error {
		values := make([]any, len(columns))
		for i, c := range columns {
			values[i] = c.hole()
		}
		if err := row.Scan(values...); err != nil {
			return err
		}
		object := map[string]any{}
		for i, c := range columns {
			object[c.name] = values[i]
		}
		data, err := json.Marshal(object)
		if err != nil {
			return err
		}
		return each(assay.Kept{Table: a.name, Data: data})
	}, query, experiment)
}

// ExportTrial hands out a trial of the two parts it is kept in.
func ExportTrial(summary, bodies []byte, each func(assay.Kept) error) error {
	t, err := codec.Join(summary, bodies)
	if err != nil {
		return err
	}
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return each(assay.Kept{Table: assay.KeptTrial, Data: data})
}

// importBatch is how many trials are imported at once.
const importBatch = 256

// Import keeps rows, and hands trials to the engine, which keeps those that are new with their marks.
func Import(tx Tx, next func() (assay.Kept, error), keep func([]assay.Trial) (fresh int, err error)) error {
	i := importing{tx: tx, keep: keep, seen: map[string]bool{}}
	for {
		k, err := next()
		if errors.Is(err, io.EOF) {
			return i.end()
		}
		if err == nil {
			err = i.add(k)
		}
		if err != nil {
			return err
		}
	}
}

type importing struct {
	tx     Tx
	keep   func([]assay.Trial) (int, error)
	seen   map[string]bool // experiments that are new
	trials []assay.Trial
}

func (i *importing) add(k assay.Kept) error {
	if k.Table != assay.KeptTrial {
		return i.row(k)
	}
	var t assay.Trial
	if err := json.Unmarshal(k.Data, &t); err != nil {
		return misfit(k.Table, err)
	}
	if err := i.admit(t.Experiment); err != nil {
		return err
	}
	if i.trials = append(i.trials, t); len(i.trials) < importBatch {
		return nil
	}
	return i.flush()
}

// end keeps what is left, and makes anew what follows from the rest.
func (i *importing) end() error {
	if err := i.flush(); err != nil {
		return err
	}
	for experiment := range i.seen {
		if err := RollUp(i.tx, experiment); err != nil {
			return err
		}
	}
	return nil
}

func (i *importing) flush() error {
	if len(i.trials) == 0 {
		return nil
	}
	fresh, err := i.keep(i.trials)
	if err == nil && fresh != len(i.trials) {
		err = &assay.Error{Code: assay.CodeConflict, What: fmt.Sprintf("%d trials of the export are kept already, under another experiment", len(i.trials)-fresh), Hint: "import into an empty laboratory"}
	}
	i.trials = i.trials[:0]
	return err
}

// admit fails if an experiment was there before the import.
func (i *importing) admit(experiment string) error {
	if i.seen[experiment] {
		return nil
	}
	i.seen[experiment] = true
	var n int64
	err := i.tx.Query(func(row Row) error { return row.Scan(&n) }, `SELECT (SELECT count(*) FROM definitions WHERE name = ?) +
		(SELECT count(*) FROM ledgers WHERE experiment = ?) + (SELECT count(*) FROM evidence WHERE experiment = ?)`, experiment, experiment, experiment)
	if err == nil && n > 0 {
		err = &assay.Error{Code: assay.CodeConflict, What: "there is an experiment of that name already, or was", Where: experiment, Hint: "import into an empty laboratory"}
	}
	return err
}

func (i *importing) row(k assay.Kept) error {
	for _, a := range all {
		if a.name == k.Table {
			return i.insert(a, k.Data)
		}
	}
	return &assay.Error{Code: assay.CodeInvalid, What: "the export has a table that this Assay does not know: " + k.Table, Hint: "use the Assay that wrote it, or a newer one"}
}

func (i *importing) insert(a archived, data json.RawMessage) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return misfit(a.name, err)
	}
	columns := a.list()
	names, values := make([]string, len(columns)), make([]any, len(columns))
	for n, c := range columns {
		hole := c.hole()
		if err := json.Unmarshal(object[c.name], hole); err != nil {
			return misfit(a.name+"."+c.name, err)
		}
		names[n], values[n] = `"`+c.name+`"`, filled(hole)
		if text, ok := values[n].(string); ok && c.name == a.key {
			if err := i.admit(text); err != nil {
				return err
			}
		}
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	return i.tx.Exec(fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, a.name, strings.Join(names, ", "), marks), values...)
}

func filled(hole any) any {
	switch h := hole.(type) {
	case *int64:
		return *h
	case *float64:
		return *h
	case *[]byte:
		return *h
	}
	return *hole.(*string)
}

func misfit(what string, err error) error {
	return &assay.Error{Code: assay.CodeInvalid, What: "the export's " + what + " does not fit: " + err.Error(), Hint: "export it anew", Err: err}
}

// Remember returns the marks by which trials are found again that are counted already.
func Remember(tx Tx, fresh []codec.Record) ([]Mark, error) {
	all := scopes(fresh)
	t := newTally(known{map[arm]*armTotals{}, map[arm]map[string]bool{}, map[arm]blocks{}})
	for e := range all {
		if err := t.known.recallPaths(tx, e); err != nil {
			return nil, err
		}
	}
	for i := range fresh {
		t.add(fresh[i].Trial, fresh[i].Seq)
	}
	return number(tx, t.marks, all)
}
