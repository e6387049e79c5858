-- Ten minutes each, put together, so that a week is read as quickly as a day: minute is the first of the ten.
CREATE TABLE tens (
	experiment   TEXT NOT NULL,
	since        INTEGER NOT NULL,
	minute       INTEGER NOT NULL,
	role         TEXT NOT NULL,
	arm          TEXT NOT NULL,
	observations INTEGER NOT NULL,
	cold         INTEGER NOT NULL,
	faults       INTEGER NOT NULL,
	mismatches   INTEGER NOT NULL,
	micros       INTEGER NOT NULL,
	latency      BLOB NOT NULL,
	PRIMARY KEY (experiment, since, minute, role, arm)
) WITHOUT ROWID;
