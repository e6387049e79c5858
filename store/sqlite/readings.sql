-- What people read differences by. Times are microseconds since 1970.

-- The newest samples of where the control differs from itself.
CREATE TABLE noise (
	experiment TEXT NOT NULL,
	path       TEXT NOT NULL,
	kind       TEXT NOT NULL,
	seq        INTEGER NOT NULL, -- of the trial
	trial      TEXT NOT NULL,
	time       INTEGER NOT NULL,
	control    TEXT NOT NULL,    -- JSON, a list of renderings
	secondary  TEXT NOT NULL,
	PRIMARY KEY (experiment, path, kind, seq)
) WITHOUT ROWID;

-- How often each rule excused a difference of a candidate.
CREATE TABLE excuses (
	experiment     TEXT NOT NULL,
	since          INTEGER NOT NULL,
	arm            TEXT NOT NULL,
	rule           TEXT NOT NULL, -- as Difference.Ignored has it
	hits           INTEGER NOT NULL,
	candidate_only INTEGER NOT NULL,
	secondary_only INTEGER NOT NULL,
	last           INTEGER NOT NULL,
	PRIMARY KEY (experiment, since, arm, rule)
) WITHOUT ROWID;

-- How many trials each candidate took part in, in all versions.
CREATE TABLE candidates (
	experiment TEXT NOT NULL,
	arm        TEXT NOT NULL,
	trials     INTEGER NOT NULL,
	PRIMARY KEY (experiment, arm)
) WITHOUT ROWID;

CREATE TABLE clusters (
	experiment    TEXT NOT NULL,
	arm           TEXT NOT NULL,
	id            TEXT NOT NULL,
	signature     TEXT NOT NULL,    -- JSON
	count         INTEGER NOT NULL, -- trials
	first         INTEGER NOT NULL,
	last          INTEGER NOT NULL,
	first_version INTEGER NOT NULL,
	last_version  INTEGER NOT NULL,
	example       TEXT NOT NULL,    -- the trial seen last
	began         INTEGER NOT NULL, -- the candidate's trials before the first sight
	seen          INTEGER NOT NULL, -- and up to the last one
	returns       INTEGER NOT NULL,
	PRIMARY KEY (experiment, arm, id)
) WITHOUT ROWID;

-- What somebody said last of a cluster or a proposal.
CREATE TABLE remarks (
	experiment TEXT NOT NULL,
	arm        TEXT NOT NULL, -- '' for a proposal
	id         TEXT NOT NULL,
	state      TEXT NOT NULL,
	by         TEXT NOT NULL,
	time       INTEGER NOT NULL,
	PRIMARY KEY (experiment, arm, id)
) WITHOUT ROWID;
