-- Version 2: cold calls apart from warm ones, faults of pairs, and blocks of warm pairs.

ALTER TABLE arms ADD COLUMN cold_latency BLOB NOT NULL DEFAULT x'00'; -- a sketch, of nothing
ALTER TABLE arms ADD COLUMN cold_trials INTEGER NOT NULL DEFAULT 0;
ALTER TABLE arms ADD COLUMN cold_mismatches INTEGER NOT NULL DEFAULT 0;
ALTER TABLE arms ADD COLUMN fault_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE arms ADD COLUMN secondary_fault_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE arms ADD COLUMN warm_pairs INTEGER NOT NULL DEFAULT 0;

-- What the warm pairs of a candidate and the secondary, in the order in which they were kept, come to.
CREATE TABLE blocks (
	experiment TEXT NOT NULL,
	since      INTEGER NOT NULL,
	arm        TEXT NOT NULL,
	measure    TEXT NOT NULL,
	data       BLOB NOT NULL, -- see stats.Blocks
	PRIMARY KEY (experiment, since, arm, measure)
);
