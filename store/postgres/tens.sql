-- Ten minutes each, put together, so that a week is read as quickly as a day: minute is the first of the ten.
CREATE TABLE tens (
	experiment   TEXT COLLATE "C" NOT NULL,
	since        BIGINT NOT NULL,
	minute       BIGINT NOT NULL,
	role         TEXT COLLATE "C" NOT NULL,
	arm          TEXT COLLATE "C" NOT NULL,
	observations BIGINT NOT NULL,
	cold         BIGINT NOT NULL,
	faults       BIGINT NOT NULL,
	mismatches   BIGINT NOT NULL,
	micros       BIGINT NOT NULL,
	latency      BYTEA NOT NULL,
	PRIMARY KEY (experiment, since, minute, role, arm)
);
