#!/usr/bin/env bash
# Says plainly what no later step can install: Python >= 3.10 (the argument) with venv, and a C++20 compiler.
set -euo pipefail
python=$1

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "error: Python >= 3.10 is needed, '$python' is $("$python" --version 2>&1 || true); name another: make PYTHON=python3.12" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  "$(dirname "$0")"/system_packages.sh python3-venv
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "error: '$python' cannot make a virtual environment; install its venv module (Debian: python3-venv)" >&2
    exit 1
  fi
fi
compiler=${CXX:-c++}
if ! echo '#include <span>
int main() { return std::span<int>().empty() ? 0 : 1; }' | $compiler -std=c++20 -x c++ -fsyntax-only - 2>/dev/null; then
  echo "error: '$compiler' does not compile C++20; install g++ >= 10 or clang++ >= 12, or name another: make CXX=g++-12" >&2
  exit 1
fi
