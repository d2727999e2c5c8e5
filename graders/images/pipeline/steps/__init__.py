"""What the stand-ins of GitHub's own actions do; their `action.yml` files call this as a program."""
