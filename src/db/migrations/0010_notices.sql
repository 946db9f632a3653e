-- Notifications. Jobs that nobody has looked at yet for them; those that ended before are history.
ALTER TABLE job ADD COLUMN is_noticed BIGINT NOT NULL DEFAULT 0;
UPDATE job SET is_noticed = 1 WHERE status IN ('success', 'error', 'killed');
CREATE INDEX job_unnoticed ON job (job_id)
    WHERE is_noticed = 0 AND status IN ('success', 'error', 'killed');

-- Messages to be sent: one row for an event and a target. Times are UTC microseconds.
-- state: 'waiting', 'sent', 'failed' (given up).
CREATE TABLE notice (
    notice_id BIGINT NOT NULL PRIMARY KEY,
    event_key VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    created_us BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    attempts BIGINT NOT NULL,
    next_us BIGINT NOT NULL,
    error VARCHAR NOT NULL
);
CREATE UNIQUE INDEX notice_event ON notice (event_key, target);
CREATE INDEX notice_waiting ON notice (next_us) WHERE state = 'waiting';
