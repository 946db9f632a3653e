-- From here on the keys of the entries of one ledger_job row rise in byte order, so that a key is
-- found by halving. Listings rise, so hardly any row is cut here, where its keys fall.
CREATE TABLE ledger_rising (
    job_id BIGINT NOT NULL,
    table_id BIGINT NOT NULL,
    snapshot_id BIGINT NOT NULL,
    first_entry BIGINT NOT NULL,
    entry_count BIGINT NOT NULL
);
INSERT INTO ledger_rising
SELECT job_id, table_id, snapshot_id, min(entry_id), count(*)
FROM (
    SELECT job_id, table_id, snapshot_id, first_entry, entry_id,
        sum(falls) OVER (PARTITION BY job_id, first_entry ORDER BY entry_id) AS cut
    FROM (
        SELECT j.job_id, j.table_id, j.snapshot_id, j.first_entry, l.entry_id,
            CASE WHEN l.object_key < lag(l.object_key)
                OVER (PARTITION BY j.job_id, j.first_entry ORDER BY l.entry_id)
            THEN 1 ELSE 0 END AS falls
        FROM ledger_job j
        JOIN ledger l ON l.entry_id >= j.first_entry AND l.entry_id < j.first_entry + j.entry_count
    ) AS keys
) AS cuts
GROUP BY job_id, table_id, snapshot_id, first_entry, cut;
DELETE FROM ledger_job;
INSERT INTO ledger_job SELECT job_id, table_id, snapshot_id, first_entry, entry_count FROM ledger_rising;
DROP TABLE ledger_rising;
