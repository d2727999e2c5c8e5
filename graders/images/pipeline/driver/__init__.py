"""Runs the pipeline of one repository at one commit; docs/reference/pipeline-image.md tells how it is asked."""
