-- Which object versions the rows of a table came from. Entries of one job are consecutive.
CREATE TABLE ledger_bucket (
    bucket_id BIGINT NOT NULL PRIMARY KEY,
    bucket VARCHAR NOT NULL
);
CREATE UNIQUE INDEX ledger_bucket_name ON ledger_bucket (bucket);

-- entry_id is the order of the commits; object_hash finds an entry, key and etag confirm it.
CREATE TABLE ledger (
    entry_id INTEGER NOT NULL PRIMARY KEY,
    object_hash BIGINT NOT NULL,
    table_id BIGINT NOT NULL,
    bucket_id BIGINT NOT NULL,
    object_key VARCHAR NOT NULL,
    etag BYTEA NOT NULL,
    size_bytes BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    filtered BIGINT NOT NULL,
    plain_bytes BIGINT NOT NULL
);
CREATE INDEX ledger_object ON ledger (object_hash);

-- Where a job's entries begin; the job and its snapshot are said once, not in every entry.
CREATE TABLE ledger_job (
    job_id BIGINT NOT NULL,
    table_id BIGINT NOT NULL,
    snapshot_id BIGINT NOT NULL,
    first_entry BIGINT NOT NULL,
    entry_count BIGINT NOT NULL,
    PRIMARY KEY (job_id, first_entry)
);
CREATE INDEX ledger_job_table ON ledger_job (table_id);
