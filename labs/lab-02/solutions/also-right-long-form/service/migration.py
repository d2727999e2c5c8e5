"""Makes the tables where they are missing, and ends."""

from service import data

data.rows(data.TABLES)
print("the tables are there", flush=True)
