-- Jobs and the plans of unfinished ones. Times are UTC microseconds; 0 means not yet.
CREATE TABLE job (
    job_id BIGINT NOT NULL PRIMARY KEY,
    type VARCHAR NOT NULL,
    database_name VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL,
    time_column VARCHAR,
    config VARCHAR NOT NULL,
    sealed_config BYTEA,
    options VARCHAR NOT NULL,
    schedule VARCHAR,
    scheduled_us BIGINT NOT NULL,
    domain_key VARCHAR,
    status VARCHAR NOT NULL,
    is_kill_requested BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    retry_limit BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    started_us BIGINT NOT NULL,
    ended_us BIGINT NOT NULL,
    records BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    filtered BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    objects BIGINT NOT NULL,
    snapshot_id BIGINT NOT NULL,
    error VARCHAR NOT NULL,
    result VARCHAR NOT NULL,
    owner VARCHAR NOT NULL,
    lease_until_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_domain_key ON job (domain_key);
CREATE INDEX job_status ON job (status, priority, job_id);
CREATE INDEX job_schedule ON job (schedule, job_id);

-- The objects of an unfinished job, in the order of its plan; counts are set when their task ends.
CREATE TABLE job_object (
    job_id BIGINT NOT NULL,
    object_index BIGINT NOT NULL,
    bucket VARCHAR NOT NULL,
    object_key VARCHAR NOT NULL,
    etag VARCHAR NOT NULL,
    version_id VARCHAR NOT NULL,
    size_bytes BIGINT NOT NULL,
    modified_us BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    filtered BIGINT NOT NULL,
    plain_bytes BIGINT NOT NULL,
    PRIMARY KEY (job_id, object_index)
);

CREATE TABLE job_task (
    job_id BIGINT NOT NULL,
    task_index BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    first_object BIGINT NOT NULL,
    object_count BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    records BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    filtered BIGINT NOT NULL,
    PRIMARY KEY (job_id, task_index)
);

-- Files that were begun: 'writing', 'written' (its task is done), 'garbage' (may be removed).
CREATE TABLE job_part (
    part_id BIGINT NOT NULL PRIMARY KEY,
    job_id BIGINT NOT NULL,
    task_index BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    folder VARCHAR NOT NULL,
    file_name VARCHAR NOT NULL,
    begun_us BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    footer_bytes BIGINT NOT NULL
);
CREATE INDEX job_part_job ON job_part (job_id, task_index);
CREATE INDEX job_part_state ON job_part (state);

CREATE TABLE job_part_column (
    part_id BIGINT NOT NULL,
    column_index BIGINT NOT NULL,
    value_count BIGINT NOT NULL,
    null_count BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    min_value VARCHAR,
    max_value VARCHAR,
    contains_nan BIGINT,
    PRIMARY KEY (part_id, column_index)
);
