-- Schedules: configurations that run again and again. Times are UTC microseconds; 0 means never.
-- next_us: the next time of the cron expression; due_us: that plus the delay.
-- config_head: the first characters of the masked configuration, for lists.
-- first_job_id: jobs of the same name up to it belong to a schedule that was deleted.
CREATE TABLE schedule (
    schedule_id BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR NOT NULL,
    cron VARCHAR NOT NULL,
    zone VARCHAR NOT NULL,
    delay_s BIGINT NOT NULL,
    missed_runs VARCHAR NOT NULL,
    database_name VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL,
    time_column VARCHAR,
    next_us BIGINT NOT NULL,
    due_us BIGINT NOT NULL,
    first_job_id BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    config_head VARCHAR NOT NULL
);
-- What lists do not look at stands apart, so that they read few pages.
CREATE TABLE schedule_config (
    schedule_id BIGINT NOT NULL PRIMARY KEY,
    config VARCHAR NOT NULL,
    sealed_config BYTEA NOT NULL,
    config_diff VARCHAR NOT NULL
);
CREATE UNIQUE INDEX schedule_name ON schedule (name);
CREATE INDEX schedule_due ON schedule (due_us);

-- Whether a schedule has a job that is not finished, however long its history is.
CREATE INDEX job_unfinished ON job (schedule) WHERE status IN ('queued', 'booting', 'running');
