CREATE TABLE IF NOT EXISTS parcels (
    id           serial PRIMARY KEY,
    recipient    text    NOT NULL,
    weight_grams integer NOT NULL,
    price_cents  integer NOT NULL
);

CREATE TABLE IF NOT EXISTS jobs (
    id        serial PRIMARY KEY,
    parcel_id integer NOT NULL REFERENCES parcels (id),
    state     text    NOT NULL DEFAULT 'queued',
    label     text
);
