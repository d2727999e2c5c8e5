"""Pipelines that a candidate wrote: read as data, what starts them, who waits for whom, what is not run here."""
