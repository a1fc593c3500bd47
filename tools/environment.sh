#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-or-later
# Makes .venv with osteofield and all that its tests need. Called by `make env`.
# Usage: tools/environment.sh          make or renew .venv
#        tools/environment.sh python   print the Python that would be used
set -eu
cd "$(dirname "$0")/.."

say() { printf 'osteofield: %s\n' "$*" >&2; }

# What is wrong with an interpreter for our purpose; empty if nothing is.
fault() {
    "$1" -c '
import sys
if not (3, 12) <= sys.version_info[:2] < (3, 15):
    sys.exit("is Python %d.%d" % sys.version_info[:2])
import os, sysconfig
name = "python%d.%d" % sys.version_info[:2]
lacks = []
try:
    import ensurepip, venv
except ImportError:
    lacks.append("the module ensurepip (package %s-venv)" % name)
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    lacks.append("Python.h (package %s-dev)" % name)
sys.exit("lacks " + " and ".join(lacks) if lacks else 0)
' 2>&1 | tail -n 1
}

candidates() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" || say "PYTHON=$PYTHON is not a command."
        return
    fi
    for name in python3.12 python3.13 python3.14 python3 python; do
        command -v "$name" || true
    done
    for minor in 12 13 14; do
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.$minor*/bin/python3.$minor 2>/dev/null || true
    done
    if command -v uv >/dev/null; then
        for minor in 12 13 14; do
            uv python find --no-project --system "3.$minor" 2>/dev/null || true
        done
    fi
}

python=
tried=
for candidate in $(candidates | grep -vF "$PWD/.venv/" | awk '!seen[$0]++'); do  # not the one to be replaced
    wrong=$(fault "$candidate")
    if [ -z "$wrong" ]; then
        python=$candidate
        break
    fi
    tried="$tried
  $candidate: $wrong"
done

mode=${1:-make}
if [ "$mode" = python ] && [ -n "$python" ]; then
    echo "$python"
    exit
fi
can_fetch() { [ "$mode" = make ] && [ -z "${PYTHON:-}" ] && command -v uv >/dev/null; }
if [ -z "$python" ] && ! can_fetch; then
    say "no Python 3.12, 3.13 or 3.14 with venv and headers was found.${tried:+ Tried:$tried}"
    say "Install one (Debian, Ubuntu: 'apt-get install python3.12 python3.12-venv python3.12-dev' where it is" \
        "offered; elsewhere pyenv or uv) or name one: 'make env PYTHON=/path/to/python3.12'."
    exit 2
fi
if ! command -v "${CC:-cc}" >/dev/null && ! command -v gcc >/dev/null && ! command -v clang >/dev/null; then
    say "no C compiler was found; the reaction rates of a model are compiled when a case first runs." \
        "Install one, for example 'apt-get install gcc libc6-dev', or set CC."
    exit 2
fi
case "$(uname -s) $(uname -m)" in
"Linux x86_64") ;;
*) say "there is no DOLFINx wheel for this machine, so only well-mixed cases will run here;" \
    "for the whole use conda: 'conda env create -f environment.yml' (docs/install.md)." ;;
esac

# a .venv that was copied or whose Python is gone cannot be mended
if ! .venv/bin/python -c '' 2>/dev/null || ! grep -qF "$PWD/.venv" .venv/bin/activate; then
    rm -rf .venv
    if [ -n "$python" ]; then
        say "making .venv with $python"
        "$python" -m venv .venv
    else
        say "making .venv with a Python that uv fetches"
        uv venv --quiet --seed --python 3.12 .venv
    fi
fi
say "installing into .venv (about 1 GB, a minute or so)"
.venv/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[fem,view,sbml,bench,docs,test]'

if [ "$(uname -s)" = Linux ]; then
    PATH=$PATH:/sbin:/usr/sbin
    for library in libEGL.so.1 libGL.so.1; do
        ldconfig -p 2>/dev/null | grep -q "$library" ||
            say "$library is missing; pictures need it ('apt-get install libegl1 libgl1 libgl1-mesa-dri')."
    done
fi
