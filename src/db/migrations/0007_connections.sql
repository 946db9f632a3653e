-- Stored credentials under a name. config: as shown, secrets masked; sealed_config: as used.
CREATE TABLE connection (
    connection_id BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR NOT NULL,
    config VARCHAR NOT NULL,
    sealed_config BYTEA NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX connection_name ON connection (name);
