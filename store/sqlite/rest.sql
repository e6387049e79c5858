-- What of a trial's bodies does not fit into one piece: large ones are kept and read piece by piece, in little memory.
CREATE TABLE rest (
	seq   INTEGER NOT NULL,
	piece INTEGER NOT NULL, -- from 1
	data  BLOB NOT NULL,
	PRIMARY KEY (seq, piece)
) WITHOUT ROWID;
CREATE TRIGGER rest_goes AFTER DELETE ON bodies BEGIN
	DELETE FROM rest WHERE seq = old.seq;
END;
