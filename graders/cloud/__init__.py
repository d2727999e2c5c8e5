"""An AWS-compatible cloud as a check sees it: clients through the probe, what there is, and who asked for what."""
