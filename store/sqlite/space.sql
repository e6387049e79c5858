-- What the trials of an experiment take, minute by minute since 1970, so that each can have limits of its own.
CREATE TABLE space (
	experiment TEXT NOT NULL,
	minute     INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	PRIMARY KEY (experiment, minute)
) WITHOUT ROWID;

ALTER TABLE trials ADD COLUMN experiment TEXT NOT NULL DEFAULT '';
UPDATE trials SET experiment = CAST(summary AS TEXT) ->> '$.experiment' WHERE summary <> x'';
INSERT INTO space SELECT experiment, time / 60000000, sum(size + bodies) FROM trials WHERE summary <> x'' GROUP BY 1, 2;

-- Those of which there is but the id.
CREATE INDEX remembered ON trials (seq) WHERE summary = x'';
