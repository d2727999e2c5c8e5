"""Settings, from the environment."""

import os

SITE_NAME = "Parcel Desk"

DB_HOST = os.environ.get("DB_HOST", "db")
DB_PORT = int(os.environ.get("DB_PORT", "5432"))
DB_NAME = os.environ.get("DB_NAME", "parceldesk")
DB_USER = os.environ.get("DB_USER", "parceldesk")
DB_PASSWORD = os.environ["DB_PASSWORD"]

UPLOADS = os.environ.get("UPLOADS", "/uploads")
