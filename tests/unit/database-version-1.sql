BEGIN TRANSACTION;
CREATE TABLE history_cell (
	record INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	program VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	stack VARCHAR NOT NULL, 
	suffix VARCHAR NOT NULL, 
	region VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	seconds FLOAT NOT NULL, 
	log VARCHAR NOT NULL, 
	planned INTEGER NOT NULL, 
	created INTEGER NOT NULL, 
	updated INTEGER NOT NULL, 
	deleted INTEGER NOT NULL, 
	message VARCHAR NOT NULL, 
	hint VARCHAR NOT NULL, 
	detail VARCHAR NOT NULL, 
	account VARCHAR, 
	started DATETIME, 
	failed_phase VARCHAR, 
	PRIMARY KEY (record, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
INSERT INTO "history_cell" VALUES(1,0,'shop','shop-3','shop-3','3','us-east-1','PASSED',3.2,'',0,0,0,0,'','','','100000000001','2026-11-01 12:00:00.000000',NULL);
CREATE TABLE history_change (
	record INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	recheck VARCHAR NOT NULL, 
	urn VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	op VARCHAR NOT NULL, 
	PRIMARY KEY (record, cell, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
CREATE TABLE history_left (
	record INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	urn VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	command VARCHAR NOT NULL, 
	PRIMARY KEY (record, cell, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
CREATE TABLE history_phase (
	record INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	phase VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	seconds FLOAT NOT NULL, 
	started FLOAT NOT NULL, 
	detail VARCHAR NOT NULL, 
	PRIMARY KEY (record, cell, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
INSERT INTO "history_phase" VALUES(1,0,0,'up','passed',1.0,0.0,'');
CREATE TABLE history_probe (
	record INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	detail VARCHAR NOT NULL, 
	PRIMARY KEY (record, cell, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
CREATE TABLE history_recheck (
	record INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	seconds FLOAT NOT NULL, 
	detail VARCHAR NOT NULL, 
	PRIMARY KEY (record, cell, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
CREATE TABLE history_rule (
	record INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	pack VARCHAR NOT NULL, 
	rule VARCHAR NOT NULL, 
	level VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	violations INTEGER NOT NULL, 
	PRIMARY KEY (record, cell, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
CREATE TABLE history_run (
	id INTEGER NOT NULL, 
	run VARCHAR NOT NULL, 
	started DATETIME NOT NULL, 
	kind VARCHAR NOT NULL, 
	seconds FLOAT NOT NULL, 
	exit_code INTEGER NOT NULL, 
	provider VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	harness VARCHAR NOT NULL, 
	engine_version VARCHAR NOT NULL, 
	engine_origin VARCHAR NOT NULL, 
	engine_path VARCHAR NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "history_run" VALUES(1,'r-closed','2026-11-01 12:00:00.000000','run',3.5,0,'bundled','emulator','0.1.0','3.255.0','cache','/x');
CREATE TABLE history_timing (
	record INTEGER NOT NULL, 
	cell INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	urn VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	op VARCHAR NOT NULL, 
	seconds FLOAT NOT NULL, 
	started FLOAT NOT NULL, 
	failed BOOLEAN NOT NULL, 
	PRIMARY KEY (record, cell, position), 
	FOREIGN KEY(record) REFERENCES history_run (id)
);
CREATE TABLE lease (
	run VARCHAR NOT NULL, 
	cell VARCHAR NOT NULL, 
	stack VARCHAR NOT NULL, 
	program VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	region VARCHAR NOT NULL, 
	account VARCHAR, 
	directory VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	host VARCHAR NOT NULL, 
	process INTEGER NOT NULL, 
	created DATETIME NOT NULL, 
	expires DATETIME NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	PRIMARY KEY (run, cell)
);
INSERT INTO "lease" VALUES('r-kept','shop-0','shop-0','shop','http://127.0.0.1:4566','us-east-1','100000000001','/nowhere/runs/r-kept/shop-0','somebody','elsewhere',4711,'2026-11-01 12:00:00.000000','2026-11-01 14:00:00.000000','kept','kept');
INSERT INTO "lease" VALUES('r-leaked','shop-1','shop-1','shop','http://127.0.0.1:4566','us-east-1','100000000001','/nowhere/runs/r-leaked/shop-1','somebody','elsewhere',4712,'2026-11-01 12:01:00.000000','2026-11-01 14:00:00.000000','leaked','leaked');
INSERT INTO "lease" VALUES('r-open','shop-2','shop-2','shop','http://127.0.0.1:4566','us-east-1','100000000001','/nowhere/runs/r-open/shop-2','somebody','elsewhere',4713,'2026-11-01 12:02:00.000000','2026-11-01 14:00:00.000000','open','');
INSERT INTO "lease" VALUES('r-closed','shop-3','shop-3','shop','http://127.0.0.1:4566','us-east-1','100000000001','/nowhere/runs/r-closed/shop-3','somebody','elsewhere',4714,'2026-11-01 12:03:00.000000','2026-11-01 14:00:00.000000','closed','closed');
CREATE TABLE schema_version (
	id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "schema_version" VALUES(1,1);
CREATE INDEX ix_history_run_run ON history_run (run);
CREATE INDEX ix_history_cell_program ON history_cell (program);
COMMIT;
