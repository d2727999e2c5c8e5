"""How gunicorn serves Parcel Desk."""

bind = "0.0.0.0:8080"
workers = 1
threads = 8
graceful_timeout = 4
worker_tmp_dir = "/tmp"
control_socket_disable = True
