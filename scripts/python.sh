#!/bin/sh
# Writes the first Python 3.10 to 3.12 that runs; PYTHON names another. A version manager's shim is there but fails, hence "that runs".
for candidate in ${PYTHON:-} python3.12 python3.11 python3.10 python3 python; do
  if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1; then
    command -v "$candidate"
    exit 0
  fi
done
echo "synthohive_spark needs Python 3.10, 3.11 or 3.12 with its venv module; none was found. Install one, or name it: make PYTHON=/path/to/python3.11" >&2
exit 1
