"""Settings. They are in one file, at one place, on every machine."""

import configparser

CONFIG_FILE = "/etc/<%= package %>/<%= package %>.ini"

_parser = configparser.ConfigParser()
with open(CONFIG_FILE) as _file:
    _parser.read_file(_file)

<%= site %> = _parser["site"]["name"]

DB_HOST = _parser["database"]["host"]
DB_PORT = int(_parser["database"]["port"])
DB_NAME = _parser["database"]["name"]
DB_USER = _parser["database"]["user"]
DB_PASSWORD = _parser["database"]["password"]

UPLOADS = _parser["files"]["uploads"]
LOG_FILE = _parser["files"]["log"]
