#!/bin/sh
# Copies the template to a fresh volume, sets user, password and database, then becomes the server.
set -eu
mark=mde-prepared

fail() { echo "postgres: $1" >&2; exit 1; }

# The value of NAME, or the content of the file that NAME_FILE points at.
value() {
  eval "plain=\${$1:-} file=\${$1_FILE:-}"
  [ -z "$plain" ] || [ -z "$file" ] || fail "both $1 and $1_FILE are set"
  if [ -n "$file" ]; then cat -- "$file"; else printf %s "$plain"; fi
}

# A text as an SQL literal or identifier, for a line of single-user mode.
literal() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }
identifier() { printf '"%s"' "$(printf %s "$1" | sed 's/"/""/g')"; }

statements() {
  if [ "$user" = postgres ]; then
    echo "ALTER ROLE postgres PASSWORD $(literal "$password");"
  else
    echo "CREATE ROLE $(identifier "$user") LOGIN SUPERUSER PASSWORD $(literal "$password");"
  fi
  [ "$database" = postgres ] || echo "CREATE DATABASE $(identifier "$database") OWNER $(identifier "$user");"
}

prepare() {
  user=$(value POSTGRES_USER); user=${user:-postgres}
  database=$(value POSTGRES_DB); database=${database:-$user}
  password=$(value POSTGRES_PASSWORD)
  [ -n "$password" ] || fail "POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) must be set for a new database"
  case "$user$database$password" in *"
"*) fail "a name or password with a line break is not supported" ;; esac
  # A first start that was cut short left no mark, and is done again from the beginning.
  find "$PGDATA" -mindepth 1 -delete
  cp -R /opt/mde/template/. "$PGDATA"
  statements | postgres --single -F -D "$PGDATA" postgres >/dev/null
  touch "$PGDATA/$mark"
}

[ "$(id -u)" != 0 ] || fail "this image runs as user 999, never as root"
mkdir -p "$PGDATA"
chmod 0700 "$PGDATA"
[ -e "$PGDATA/$mark" ] || prepare
case "${1:-}" in
  "" | postgres) [ $# = 0 ] || shift; exec postgres -D "$PGDATA" "$@" ;;
  -*) exec postgres -D "$PGDATA" "$@" ;;
  *) exec "$@" ;;
esac
