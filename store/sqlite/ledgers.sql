-- What became of the requests of an experiment, by source: '' is a laboratory alone.
CREATE TABLE ledgers (
	experiment  TEXT NOT NULL,
	since       INTEGER NOT NULL,
	source      TEXT NOT NULL,
	requests    INTEGER NOT NULL,
	offered     INTEGER NOT NULL,
	sampled     INTEGER NOT NULL,
	handed      INTEGER NOT NULL, -- to the store, or to the stream
	not_sampled TEXT NOT NULL,    -- JSON, reason -> count
	dropped     TEXT NOT NULL,
	PRIMARY KEY (experiment, since, source)
) WITHOUT ROWID;
INSERT INTO ledgers SELECT experiment, since, '', requests, offered, sampled, trials, not_sampled, dropped FROM evidence;

-- What evidence is left with.
CREATE TABLE before AS SELECT experiment, since, trials, first, last FROM evidence WHERE trials > 0;
DROP TABLE evidence;
CREATE TABLE evidence (
	experiment TEXT NOT NULL,
	since      INTEGER NOT NULL,
	trials     INTEGER NOT NULL,
	first      INTEGER NOT NULL,
	last       INTEGER NOT NULL,
	PRIMARY KEY (experiment, since)
);
INSERT INTO evidence SELECT experiment, since, trials, first, last FROM before;
DROP TABLE before;
