-- The subjects of one experiment are read with each batch.
CREATE INDEX subjects_by_experiment ON subjects (experiment, path);
