"""Reads the old settings file and says which of its settings now come from the environment."""

import configparser
import sys

parser = configparser.ConfigParser()
parser.read(sys.argv[1])
print(*(f"{section}.{name}" for section in parser.sections() for name in parser[section]))
