-- What became of the calls of an arm in each minute; they outlive the trials.
CREATE TABLE minutes (
	experiment   TEXT NOT NULL,
	since        INTEGER NOT NULL,
	minute       INTEGER NOT NULL, -- since 1970
	role         TEXT NOT NULL,
	arm          TEXT NOT NULL,
	observations INTEGER NOT NULL,
	cold         INTEGER NOT NULL,
	faults       INTEGER NOT NULL,
	mismatches   INTEGER NOT NULL,
	micros       INTEGER NOT NULL, -- the sum of what is in latency
	latency      BLOB NOT NULL,    -- a sketch of milliseconds
	PRIMARY KEY (experiment, since, minute, role, arm)
) WITHOUT ROWID;
