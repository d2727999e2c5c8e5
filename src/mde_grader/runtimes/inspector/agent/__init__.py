"""The program that runs in the side container: standard library only, answers one JSON object a line.

It is delivered as the folder `/opt/mde/agent` and started as `python3 -I -S /opt/mde/agent/__main__.py`. What it reads
in a service is hostile; what it is told on its standard input comes from the grader and is trusted.
"""
