"""Departures and bookings of the <%= line | capitalize %> line."""
