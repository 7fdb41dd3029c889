#!/usr/bin/env bash
# Installs the named Debian packages that are missing when run as root on Debian or Ubuntu; elsewhere says which ones
# are missing and goes on, since CMake and pip have another source for most of them and name what they cannot get.
set -euo pipefail

if ! command -v dpkg-query >/dev/null; then
  exit 0
fi
missing=()
for package in "$@"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "note: not installed: ${missing[*]} (sudo apt-get install ${missing[*]})"
fi
