"""Measures whether this machine can grade. Nothing is believed because a setting says so: each limit is run into."""
