"""What the small HTTP services of the pipeline labs have in common: bodies with caps, an admin's token, and a log."""
