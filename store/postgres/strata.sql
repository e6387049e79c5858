-- What a source has counted of the parts of an experiment's traffic; they outlive the trials.
CREATE TABLE strata (
	experiment TEXT COLLATE "C" NOT NULL,
	since      BIGINT NOT NULL,
	source     TEXT COLLATE "C" NOT NULL,
	method     TEXT COLLATE "C" NOT NULL,
	route      TEXT COLLATE "C" NOT NULL,
	class      TEXT COLLATE "C" NOT NULL,
	requests   BIGINT NOT NULL,
	sampled    BIGINT NOT NULL,
	trials     BIGINT NOT NULL,
	rare       BIGINT NOT NULL,
	PRIMARY KEY (experiment, since, source, method, route, class)
);
