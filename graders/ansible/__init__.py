"""What is known about Ansible and the hosts that it configures."""
