#!/usr/bin/env bash
# Unpacks Debian packages of data into a folder, without root and without what they depend on. Where that is not
# possible it says so and goes on: figures leave out what is missing, and name it.
set -euo pipefail

folder=$1
shift
mkdir -p "$folder"
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
  echo "note: no apt-get here to get data sets from: $*"
  exit 0
fi
download=$(mktemp -d)
trap 'rm -rf "$download"' EXIT
for package in "$@"; do
  if (cd "$download" && apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$package" >/dev/null 2>&1); then
    dpkg-deb -x "$download/$package"_*.deb "$folder"
  else
    echo "note: the data sets of $package could not be downloaded"
  fi
done
