CREATE TABLE IF NOT EXISTS <%= items %> (
    id           serial PRIMARY KEY,
    <%= person %>    text    NOT NULL,
    <%= measure %> integer NOT NULL,
    <%= price %>  integer NOT NULL
);

CREATE TABLE IF NOT EXISTS <%= jobs %> (
    id        serial PRIMARY KEY,
    <%= item %>_id integer NOT NULL REFERENCES <%= items %> (id),
    state     text    NOT NULL DEFAULT 'queued',
    <%= label %>     text
);
