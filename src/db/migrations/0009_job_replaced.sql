-- Malformed units of text that a job stored as U+FFFD.
ALTER TABLE job ADD COLUMN replaced BIGINT NOT NULL DEFAULT 0;
