#!/usr/bin/env bash
# Make .venv with what Celosia needs; quick when that is done already.
#   scripts/setup.sh demo   to run and simulate: a C++ compiler and Python packages
#   scripts/setup.sh dev    also to test: iverilog, make and perl
# System packages are installed where that needs no password; elsewhere the command is shown.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:-dev}
case $profile in
  demo) extras=train,hw tools=(g++) ;;
  dev) extras=dev tools=(g++ make perl iverilog) ;;
  *) echo "setup: no profile '$profile'; choose demo or dev" >&2; exit 2 ;;
esac

# The stamps of an environment: whatever could make it another one is part of their names.
key=$({ cat pyproject.toml scripts/setup.sh; pwd; } | sha256sum | cut -c1-16)
done_already() {
  .venv/bin/python -c '' 2>/dev/null || return 1
  [[ -e .venv/.celosia-$profile-$key || -e .venv/.celosia-dev-$key ]]
}

# Install Debian packages, or say how and stop.
require_packages() {
  local root=()
  if ! command -v apt-get >/dev/null; then
    echo "setup: please install: $*" >&2
    exit 2
  fi
  if [[ $(id -u) != 0 ]]; then
    root=(sudo -n)
    if ! sudo -n true 2>/dev/null; then
      echo "setup: please run: sudo apt-get install -y $*" >&2
      exit 2
    fi
  fi
  echo "setup: installing $*" >&2
  "${root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "$@"
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "setup: Python 3.11 or later is needed; please install it" >&2
  exit 2
}

missing=()
for tool in "${tools[@]}"; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if ((${#missing[@]})); then
  require_packages "${missing[@]}"
fi
if done_already; then
  exit 0
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    require_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  fi
  "$python" -m venv --clear .venv
fi
echo "setup: installing Python packages into .venv (a minute or two the first time)" >&2
if [[ $profile == dev ]] && ! .venv/bin/python -c 'import torch' 2>/dev/null; then
  # PyTorch judges the importers. Its CPU build is enough, and gigabytes smaller; where that
  # index cannot be reached, pip takes what it is configured to find.
  torch=$(grep -o 'torch==[0-9.]*' pyproject.toml | head -n 1)
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 0 --timeout 10 \
    --index-url https://download.pytorch.org/whl/cpu "$torch" 2>/dev/null ||
    echo "setup: no CPU build of $torch at download.pytorch.org; taking pip's own choice" >&2
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extras]"
rm -f .venv/.celosia-"$profile"-*
touch ".venv/.celosia-$profile-$key"
