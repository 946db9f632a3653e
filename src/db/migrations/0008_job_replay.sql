-- replay_of: the job whose rejected records this one loads again; 0 for none.
ALTER TABLE job ADD COLUMN replay_of BIGINT NOT NULL DEFAULT 0;
CREATE INDEX job_replay ON job (replay_of);
