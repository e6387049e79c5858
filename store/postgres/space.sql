-- What the trials of an experiment take, minute by minute since 1970, so that each can have limits of its own.
CREATE TABLE space (
	experiment TEXT COLLATE "C" NOT NULL,
	minute     BIGINT NOT NULL,
	bytes      BIGINT NOT NULL,
	PRIMARY KEY (experiment, minute)
);
INSERT INTO space SELECT experiment, time / 60000000, sum(octet_length(summary) + octet_length(id) + coalesce(octet_length(bodies), 0) + 300)
	FROM trials GROUP BY 1, 2;
