"""The git server of the pipeline labs: the grader makes commits, everybody clones.

`serve` starts it, `repositories` keeps the folders, `imports` writes what `git fast-import` reads, `smart` speaks git's
smart HTTP.
"""
