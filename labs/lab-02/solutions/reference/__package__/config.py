"""Settings, from the environment."""

import os

<%= site %> = os.environ.get("<%= site %>", "<%= title %>")

DB_HOST = os.environ.get("DB_HOST", "<%= db %>")
DB_PORT = int(os.environ.get("DB_PORT", "5432"))
DB_NAME = os.environ.get("DB_NAME", "<%= package %>")
DB_USER = os.environ.get("DB_USER", "<%= package %>")
DB_PASSWORD = os.environ["DB_PASSWORD"]

UPLOADS = os.environ.get("UPLOADS", "/uploads")
