-- How far each candidate had come whenever its trials had grown by a tenth; they outlive the trials.
CREATE TABLE milestones (
	experiment TEXT COLLATE "C" NOT NULL,
	since      INTEGER NOT NULL,
	arm        TEXT COLLATE "C" NOT NULL,
	trials     BIGINT NOT NULL,
	mismatches BIGINT NOT NULL, -- of these
	time       BIGINT NOT NULL, -- of the last of these
	PRIMARY KEY (experiment, since, arm, trials)
);
