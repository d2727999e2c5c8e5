"""Parcel Desk: takes parcels in, prices them, and prints their labels."""
