"""Do the executors run a Python that has what the driver has?"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from weakref import WeakSet

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from ..causes import chain, describe, step
from ..errors import MissingDependencyError
from ..kernels import versions
from .session import is_connect
from .workspace import is_local

PROBE_TASKS = 16  # that report versions; enough that every executor of a small cluster gets one
PACKAGE = versions.PACKAGES[0]
_MINOR = re.compile(r"different version: (\d+\.\d+)")
_NO_PYTHON = re.compile(r"Cannot run program|[Pp]ython worker|pyspark\.daemon")
_checked_sessions: WeakSet[SparkSession] = WeakSet()


@step("asking the executors for their versions")
def check_executors(spark: SparkSession) -> None:
    """Compare Python and package versions of driver and executors; one job, once per session.

    Raises:
        MissingDependencyError: an executor runs another Python, or lacks a package, or has another version of it. The message names all of them, both Pythons,
            and the setting that mends it.
    """
    if spark in _checked_sessions:
        return
    try:
        rows = spark.range(0, PROBE_TASKS, 1, PROBE_TASKS).mapInPandas(versions.report_versions, versions.REPORT_DDL).distinct().collect()
    except Exception as error:
        reason = _unfit(spark, error)
        if reason is None:
            raise
        raise MissingDependencyError(f"the executors cannot run the package: {reason}") from error
    mine = versions.installed_versions()
    wrong = [r for r in rows if versions.differ(r["package"], r["version"], mine[r["package"]])]
    if wrong:
        listed = sorted({f"{r['package']} is {r['version']} on {r['host']} ({r['python']}) and {mine[r['package']]} on the driver" for r in wrong})
        way_out = _way_out(spark, {r["package"] for r in wrong}, {r["python"] for r in wrong})
        raise MissingDependencyError(f"driver and executors differ: {'; '.join(listed)}; {_driver()}; {way_out}")
    _checked_sessions.add(spark)


def _unfit(spark: SparkSession, error: Exception) -> str | None:
    """What is wrong with the executors' Python, and what mends it; None where the error has another reason."""
    for link in chain(error):
        if link.condition == "PYTHON_VERSION_MISMATCH":
            minor = _MINOR.search(link.detail)
            return f"they run Python {minor[1] if minor else 'of another version'}, {_started_as(spark)}; {_driver()}; {_way_out(spark, {'python'}, set())}"
    try:
        found = spark.range(0, PROBE_TASKS, 1, PROBE_TASKS).select(F.udf(_probe(), "string", useArrow=False)("id").alias("found")).distinct().collect()
    except Exception as fault:  # noqa: BLE001 - where not even this runs, that is the answer
        if not any(_NO_PYTHON.search(link.detail) for link in chain(fault)):
            return None  # a server that is gone, say
        return f"no Python runs there ({describe(fault)}), {_started_as(spark)}; {_driver()}; {_way_out(spark, {'python'}, set())}"
    reports = [row["found"].split("\t") for row in found]
    lacking = sorted({f"{python} (Python {version}) on {host} lacks {missing}" for host, python, version, missing in reports if missing})
    if not lacking:
        return None
    packages = {name for *_, missing in reports for name in missing.split(", ") if name}
    return f"{'; '.join(lacking)}; {_driver()}; {_way_out(spark, packages, {python for _, python, _, missing in reports if missing})}"


def _probe() -> Callable[[object], str]:
    """A function that needs nothing but Python there: functions inside of others travel by value, and a UDF without Arrow needs no pandas."""
    packages = versions.PACKAGES

    def report(_: object) -> str:
        import platform
        import sys
        from importlib.util import find_spec

        missing = [name for name in packages if find_spec(name) is None]
        return "\t".join([platform.node(), sys.executable, platform.python_version(), ", ".join(missing)])

    return report


def _driver() -> str:
    return f"the driver runs {sys.executable} (Python {platform.python_version()})"


def _started_as(spark: SparkSession) -> str:
    """What Spark was told to start, as far as it can be seen from here."""
    if is_connect(spark):
        return "started as the Connect server's PYSPARK_PYTHON says (python3 where it is not set)"
    for name, value in (("PYSPARK_PYTHON", os.environ.get("PYSPARK_PYTHON")), ("spark.pyspark.python", spark.conf.get("spark.pyspark.python", None))):
        if value:
            return f"started as {name}={value}"
    place = f" ({shutil.which('python3')})" if is_local(spark) else ""
    return f"started as python3{place}, since neither PYSPARK_PYTHON nor spark.pyspark.python is set"


def _way_out(spark: SparkSession, packages: set[str], pythons: set[str]) -> str:
    """What to set or to ship, given the packages that are missing or differ and the Pythons that they are looked for in."""
    connect = is_connect(spark)
    if packages == {PACKAGE} and (connect or not is_local(spark) or pythons == {sys.executable}):
        if connect:
            return f"ship it: `python scripts/environment.py package {PACKAGE}.zip`, then spark.addArtifacts('{PACKAGE}.zip', pyfile=True)"
        return "ship it: submit the job with ./spark-submit.sh, or name a zip of it with spark-submit --py-files"
    if connect:
        return "start the Connect server with PYSPARK_PYTHON set to a Python of this version that has these packages"
    if is_local(spark):
        return f"set PYSPARK_PYTHON={sys.executable} before the session starts, or let spark_session() make it"
    return "set PYSPARK_PYTHON or spark.pyspark.python to a Python of this version that has these packages on every node, before the session starts"
