#!/bin/sh
# Becomes a program of a release: small, without a way to more rights, behind the target itself where processors are short,
# and the first to go when memory is.
set -eu
echo 900 > /proc/self/oom_score_adj
exec nice -n 5 \
  prlimit --core=0 --data=167772160 --fsize=1048576 --nofile=256 --nproc=48 --stack=2097152 \
  setpriv --no-new-privs "$@"
