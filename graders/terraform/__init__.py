"""What labs about Terraform have in common: what is taken of a submission, its commands, plans, states and messages."""
