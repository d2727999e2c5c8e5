"""How gunicorn serves <%= title %>."""

bind = "0.0.0.0:<%= port %>"
workers = 1
threads = 8
accesslog = "-"
graceful_timeout = 4
worker_tmp_dir = "/tmp"
control_socket_disable = True
