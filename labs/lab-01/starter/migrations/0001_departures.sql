-- The timetable. Migrations run once each, in the order of their numbers; none of them can be run twice.
CREATE TABLE departures (
    id serial PRIMARY KEY,
    harbour text NOT NULL,
    leaves text NOT NULL,
    seats integer NOT NULL
);
INSERT INTO departures (harbour, leaves, seats) VALUES
    ('Northquay', '06:40', 80),
    ('Saltpier', '09:15', 120),
    ('Millgate', '13:30', 120),
    ('Northquay', '18:05', 80);
