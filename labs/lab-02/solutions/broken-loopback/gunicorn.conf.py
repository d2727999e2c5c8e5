"""How gunicorn serves Parcel Desk."""

bind = "127.0.0.1:8080"
workers = 1
threads = 8
accesslog = "-"
graceful_timeout = 4
worker_tmp_dir = "/tmp"
control_socket_disable = True
