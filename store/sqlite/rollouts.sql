-- Where rollouts are, and how they came there. The newest row of an experiment is where it is.

CREATE TABLE rollouts (
	seq        INTEGER PRIMARY KEY,
	experiment TEXT NOT NULL,
	standing   TEXT NOT NULL, -- JSON
	step       TEXT NOT NULL
);
CREATE INDEX rollouts_by_experiment ON rollouts (experiment, seq);
