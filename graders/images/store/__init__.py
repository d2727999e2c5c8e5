"""The package store of the pipeline labs: files that never change, in places that no other tenant sees.

`serve` starts it, `shelves` keeps what is stored.
"""
