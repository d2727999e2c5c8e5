#!/bin/sh
# Makes the empty cluster that every fresh volume starts from. Run once, at image build.
set -eu
template=$1
initdb --pgdata="$template" --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
  --auth-local=trust --auth-host=scram-sha-256 --no-sync --wal-segsize=4
cat >> "$template/postgresql.conf" <<'CONF'
listen_addresses = '*'
unix_socket_directories = '/run/postgresql'
password_encryption = 'scram-sha-256'
shared_buffers = 32MB
dynamic_shared_memory_type = posix
max_connections = 50
max_wal_size = 64MB
min_wal_size = 32MB
wal_recycle = off
jit = off
CONF
cat > "$template/pg_hba.conf" <<'CONF'
local all all trust
host all all all scram-sha-256
CONF
