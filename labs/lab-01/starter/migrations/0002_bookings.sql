CREATE TABLE bookings (
    id serial PRIMARY KEY,
    departure_id integer NOT NULL REFERENCES departures (id),
    name text NOT NULL,
    seats integer NOT NULL CHECK (seats > 0)
);
ALTER TABLE bookings ADD COLUMN cents integer NOT NULL DEFAULT 0;
