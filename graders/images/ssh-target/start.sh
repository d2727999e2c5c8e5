#!/bin/sh
# Lays out what is in memory, starts sshd, and becomes the supervisor of the services. `AUTHORIZED_KEYS` is who may log in.
set -eu
umask 022
mkdir -p "$(getent passwd "$(id -u)" | cut -d: -f6)" /run/ssh /run/service/board
ssh-keygen -q -t ed25519 -N '' -f /run/ssh/host_key
printf '%s\n' "${AUTHORIZED_KEYS:-}" > /run/ssh/authorized_keys
for file in run check; do ln -s "/opt/mde/service/board/$file" "/run/service/board/$file"; done
touch /run/service/board/down
/usr/sbin/sshd -e -f /opt/mde/sshd_config
exec env -i PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 runsvdir -P /run/service
