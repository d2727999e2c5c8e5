#!/bin/sh
# Fills in the upstream and becomes nginx.
set -eu
upstream=${UPSTREAM:-http://web:8080}
authority=${upstream#http://}
authority=${authority%%/*}
host=${authority%%:*}
port=${authority#*:}
[ "$port" != "$authority" ] || port=80
sed -e "s/%UPSTREAM_HOST%/$host/" -e "s/%UPSTREAM_PORT%/$port/" /opt/mde/nginx.conf.in > /tmp/nginx.conf
exec nginx -e /dev/stderr -c /tmp/nginx.conf
