"""Testinfra's modules with the same names and meaning, read through the inspector and never by a service's programs."""
