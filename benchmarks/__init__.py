"""What we claim about speed, as commands that print ratios against a floor measured in the same run."""
