-- What a later attempt of a job needs to go on. position: the next position that the listing found
-- ('' until the plan is stored); layout: which columns the parts have; rejects: the state of the
-- rejects file when the task ended (JSON); progress_attempt: the last attempt that ended a task.
ALTER TABLE job ADD COLUMN position VARCHAR NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN layout VARCHAR NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN progress_attempt BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job_task ADD COLUMN rejects VARCHAR NOT NULL DEFAULT '';
