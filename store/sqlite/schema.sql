-- Times are microseconds since 1970, outcomes the words of assay.Outcome.

CREATE TABLE trials (
	seq     INTEGER PRIMARY KEY, -- in the order in which they were kept
	id      TEXT NOT NULL UNIQUE,
	time    INTEGER NOT NULL,
	outcome TEXT NOT NULL,
	size    INTEGER NOT NULL,    -- bytes, bodies apart
	bodies  INTEGER NOT NULL,    -- bytes in table bodies, 0 if it has no row there
	summary BLOB NOT NULL        -- JSON of the trial without bodies and logs; empty once it was pruned
);

CREATE TABLE bodies (
	seq  INTEGER PRIMARY KEY,
	data BLOB NOT NULL           -- see pack
);

-- What a trial can be searched by: an experiment with an arm ('' for any) and a path ('' for any).
CREATE TABLE subjects (
	subject    INTEGER PRIMARY KEY,
	arm        TEXT NOT NULL,
	path       TEXT NOT NULL,
	experiment TEXT NOT NULL,
	UNIQUE (arm, path, experiment)
);

-- The outcome that a trial, or an arm in it, had under each of its subjects.
CREATE TABLE marks (
	subject INTEGER NOT NULL,
	outcome TEXT NOT NULL,
	time    INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	PRIMARY KEY (subject, outcome, time, seq)
) WITHOUT ROWID;
CREATE INDEX marks_by_trial ON marks (seq);

-- How full the store is, and how far it has been pruned. One row.
CREATE TABLE usage (
	bytes     INTEGER NOT NULL, -- of all trials and bodies
	matches   INTEGER NOT NULL, -- of the bodies of matches, among them
	bodies_to INTEGER NOT NULL, -- up to this seq, matches have no bodies
	trials_to INTEGER NOT NULL  -- up to this seq, of trials there is but the id
);
INSERT INTO usage VALUES (0, 0, 0, 0);

-- The totals of an experiment since its evidence began; they outlive the trials.
CREATE TABLE evidence (
	experiment  TEXT NOT NULL,
	since       INTEGER NOT NULL,
	trials      INTEGER NOT NULL DEFAULT 0,
	first       INTEGER,
	last        INTEGER,
	requests    INTEGER NOT NULL DEFAULT 0,
	offered     INTEGER NOT NULL DEFAULT 0,
	sampled     INTEGER NOT NULL DEFAULT 0,
	not_sampled TEXT NOT NULL DEFAULT '{}', -- JSON, reason -> count
	dropped     TEXT NOT NULL DEFAULT '{}',
	PRIMARY KEY (experiment, since)
);

CREATE TABLE arms (
	arm            INTEGER PRIMARY KEY, -- in the order in which they were first seen
	experiment     TEXT NOT NULL,
	since          INTEGER NOT NULL,
	role           TEXT NOT NULL,
	name           TEXT NOT NULL,
	observations   INTEGER NOT NULL,
	faults         TEXT NOT NULL,       -- JSON, kind -> count
	cold           INTEGER NOT NULL,
	latency        BLOB NOT NULL,       -- a sketch of milliseconds
	max_memory_mb  INTEGER NOT NULL,
	cost_usd       REAL NOT NULL,
	cost_squares   REAL NOT NULL,
	priced         INTEGER NOT NULL,
	trials         INTEGER NOT NULL,
	matches        INTEGER NOT NULL,
	mismatches     INTEGER NOT NULL,
	ignored        INTEGER NOT NULL,
	paired         INTEGER NOT NULL,
	candidate_only INTEGER NOT NULL,
	secondary_only INTEGER NOT NULL,
	both           INTEGER NOT NULL,
	UNIQUE (experiment, since, role, name)
);

CREATE TABLE paths (
	experiment     TEXT NOT NULL,
	since          INTEGER NOT NULL,
	arm            TEXT NOT NULL,
	path           TEXT NOT NULL,
	kind           TEXT NOT NULL,
	mismatches     INTEGER NOT NULL,
	ignored        INTEGER NOT NULL,
	noise          INTEGER NOT NULL,
	candidate_only INTEGER NOT NULL,
	secondary_only INTEGER NOT NULL,
	PRIMARY KEY (experiment, since, arm, path, kind)
) WITHOUT ROWID;

CREATE TABLE definitions (
	name       TEXT NOT NULL,
	version    INTEGER NOT NULL,
	experiment TEXT NOT NULL, -- JSON
	PRIMARY KEY (name, version)
);
