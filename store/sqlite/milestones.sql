-- How far each candidate had come whenever its trials had grown by a tenth; they outlive the trials.
CREATE TABLE milestones (
	experiment TEXT NOT NULL,
	since      INTEGER NOT NULL,
	arm        TEXT NOT NULL,
	trials     INTEGER NOT NULL,
	mismatches INTEGER NOT NULL, -- of these
	time       INTEGER NOT NULL, -- of the last of these
	PRIMARY KEY (experiment, since, arm, trials)
) WITHOUT ROWID;
