-- What a source has counted of the parts of an experiment's traffic; they outlive the trials.
CREATE TABLE strata (
	experiment TEXT NOT NULL,
	since      INTEGER NOT NULL,
	source     TEXT NOT NULL,
	method     TEXT NOT NULL,
	route      TEXT NOT NULL,
	class      TEXT NOT NULL,
	requests   INTEGER NOT NULL,
	sampled    INTEGER NOT NULL,
	trials     INTEGER NOT NULL,
	rare       INTEGER NOT NULL,
	PRIMARY KEY (experiment, since, source, method, route, class)
) WITHOUT ROWID;
