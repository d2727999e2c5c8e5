#!/bin/sh
# Copies Debian's Python 3.11 to $1/usr/local and undoes Debian's changes to where packages are installed.
set -eu
out=$1
lib=$out/usr/local/lib/python3.11
bundled=$lib/ensurepip/_bundled

copy() {
  mkdir -p "$out/usr/local/bin" "$lib"
  cp /usr/bin/python3.11 "$out/usr/local/bin/python3.11"
  ln -s python3.11 "$out/usr/local/bin/python3"
  ln -s python3 "$out/usr/local/bin/python"
  cp -a /usr/lib/python3.11/. "$lib"
  rm -rf "$lib/test" "$lib/sitecustomize.py" "$lib/EXTERNALLY-MANAGED" \
    "$lib/_distutils_system_mod.py" "$lib/distutils" "$lib/lib-dynload"/*test*
  mkdir "$lib/site-packages"
}

# Debian's own schemes go, and the upstream one is the default again; `grep` ends the build when a patch found nothing.
unpatch() {
  sed -i -e "/^    'deb_system': {/,/^        },/d" -e "/^    'posix_local': {/,/^        },/d" \
    -e "s/('posix_prefix', 'posix_home', 'posix_local', 'deb_system')/('posix_prefix', 'posix_home')/" \
    -e "s/'prefix': prefix_scheme,/'prefix': 'posix_prefix',/" "$lib/sysconfig.py"
  grep -q "'prefix': 'posix_prefix'," "$lib/sysconfig.py"
  sed -i -e '/^            if is_virtual_environment:/,/# this one is deprecated for Debian/d' \
    -e 's/"dist-packages"/"site-packages"/' "$lib/site.py"
  if grep -q '"dist-packages"\|posix_local.: {' "$lib/site.py" "$lib/sysconfig.py"; then exit 1; fi
  sed -i -e 's#/usr/\(lib\|include\)/python3#/usr/local/\1/python3#g' -e "s#'/usr'#'/usr/local'#g" \
    -e "s#'/usr/bin'#'/usr/local/bin'#g" "$lib"/_sysconfigdata_*gnu.py
}

# The `site` module that runs is frozen into the binary: the two folder names in it are replaced by ones of equal length.
unpatch_frozen() {
  LC_ALL=C sed -i -e 's#\x00dist-packages\x00#\x00site-packages\x00#g' -e 's#\x00local/lib\x00#\x00lib/././.\x00#g' \
    "$out/usr/local/bin/python3.11"
  "$out/usr/local/bin/python3.11" -c 'import os, site, sys
wanted = os.path.join(sys.prefix, "lib/python3.11/site-packages")
assert os.path.normpath(site.getsitepackages()[0]) == wanted, site.getsitepackages()
assert wanted in sys.path, sys.path'
}

install_pip() {
  mkdir -p "$bundled"
  cp /opt/build/ensurepip.py "$lib/ensurepip/__init__.py"
  printf 'from ensurepip import main\n\nmain()\n' > "$lib/ensurepip/__main__.py"
  cp /opt/build/wheels/pip-*.whl /opt/build/wheels/setuptools-*.whl "$bundled"
  PYTHONPATH="$(echo "$bundled"/pip-*.whl)" "$out/usr/local/bin/python3.11" -m pip install --quiet --no-index \
    --no-cache-dir --root-user-action ignore --ignore-installed --find-links /opt/build/wheels pip setuptools wheel
  sed -i "1s#.*#\#!/usr/local/bin/python3.11#" "$out"/usr/local/bin/pip* "$out"/usr/local/bin/wheel
}

copy
unpatch
unpatch_frozen
install_pip
