-- A load looks up each column of its table, and its bounds, by number: with thousands of columns
-- indexes by the table alone made most of a load's time.
DROP INDEX ducklake_table_column_stats_table;
CREATE INDEX ducklake_table_column_stats_column ON ducklake_table_column_stats (table_id, column_id);
DROP INDEX ducklake_column_table;
CREATE INDEX ducklake_column_id ON ducklake_column (table_id, column_id);
CREATE INDEX ducklake_column_order ON ducklake_column (table_id, column_order);
