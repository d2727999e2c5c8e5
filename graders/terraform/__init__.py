"""What Terraform and OpenTofu read and say: which files count, plans, states, messages. Pure; runs nothing."""
