-- Who may use the server. Times are UTC microseconds; 0 means never.
CREATE TABLE account (
    user_id BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    password_hash VARCHAR NOT NULL,
    is_disabled BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    login_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_name ON account (name);

-- Secrets that stand for a user, by their SHA-256: 'key' (API), 'session' (a login), 'link' (makes
-- the first admin; user_id 0).
CREATE TABLE access_token (
    token_id BIGINT NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL,
    kind VARCHAR NOT NULL,
    user_id BIGINT NOT NULL,
    label VARCHAR NOT NULL,
    hint VARCHAR NOT NULL,
    created_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    used_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX access_token_digest ON access_token (digest);
CREATE INDEX access_token_user ON access_token (user_id);

-- What was changed over the API, and logins, good and bad.
CREATE TABLE audit (
    audit_id BIGINT NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    user_name VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    peer VARCHAR NOT NULL,
    status BIGINT NOT NULL
);
CREATE INDEX audit_action ON audit (action, at_us);
