"""Delta's jars, and those of JDBC drivers: fetched once into the user's cache, then used as plain files, so that a later start needs no network.

`spark.jars.packages` resolves at every start, prints forty lines, and fails where a local Maven cache holds a dependency's POM without its jar (its chain asks
that cache first and trusts the POM). We run the resolver that Spark ships on a chain of one repository, the resolver's own default.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pyspark
from pyspark.sql import SparkSession

from .java import cache_folder, java_home
from .trust import PASSWORD, machine_bundle, write_trust_store

DELTA_JAR = "delta-spark_"
PACKAGES = "SYNTHOHIVE_PACKAGES"  # more jars by their Maven names, with commas between them
_COORDINATE = re.compile(r"[\w.-]+:[\w.-]+:[\w.-]+")
_SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <resolvers><ibiblio name="central" m2compatible="true" usepoms="true"/></resolvers>
</ivysettings>
"""
# Groups that Spark's own distribution holds, at least as new: without them 13 MB are fetched, not 87, and no class comes in two versions.
_SHIPPED_BY_SPARK = ("org.apache.*", "com.fasterxml.*", "org.slf4j*", "org.scala-lang*", "org.roaringbitmap*", "com.google.code.findbugs*")
_SECONDS = 600  # a slow line takes a minute for 13 MB; past ten the repository is not answering


class JarsNotFound(RuntimeError):
    """Delta's jars cannot be had; the message says what was tried and the ways out."""


def delta_jars(folder: str | Path | None = None) -> list[Path]:
    """The jars that Delta needs beside Spark's own.

    Args:
        folder: where they are; by default the folder named by `SYNTHOHIVE_JARS`, else they are fetched once into the user's cache
            (with the Ivy settings file named by `SYNTHOHIVE_IVY_SETTINGS`, where a company has its own mirror).

    Raises:
        JarsNotFound: the folder has no Delta jar, or the jars cannot be fetched.
        JavaNotFound: fetching needs a Java and there is none.
    """
    named = folder or os.environ.get("SYNTHOHIVE_JARS")
    if named:
        jars = sorted(Path(named).expanduser().resolve().glob("*.jar"))
        if not any(DELTA_JAR in jar.name for jar in jars):
            raise JarsNotFound(f"the folder of jars {named} holds no {DELTA_JAR}*.jar; it needs the jar of {delta_coordinate()} and what that depends on")
        return jars
    return _jars_of(delta_coordinate())


def package_jars(packages: Iterable[str] = ()) -> list[Path]:
    """Jars by their Maven names (`group:artifact:version`), those named by `SYNTHOHIVE_PACKAGES` too, with what they depend on; fetched once as Delta's are.

    Where `SYNTHOHIVE_JARS` names a folder, they are among its jars, and nothing is fetched.

    Raises:
        JarsNotFound: a name is none, or its jars cannot be fetched.
        JavaNotFound: fetching needs a Java and there is none.
    """
    named = [*packages, *(name.strip() for name in os.environ.get(PACKAGES, "").split(",") if name.strip())]
    if wrong := [name for name in named if not _COORDINATE.fullmatch(name)]:
        raise JarsNotFound(f"{wrong} are no Maven names; expected group:artifact:version, such as org.postgresql:postgresql:42.7.7")
    if os.environ.get("SYNTHOHIVE_JARS"):
        return []
    return list(dict.fromkeys(jar for name in dict.fromkeys(named) for jar in _jars_of(name)))


def _jars_of(coordinate: str) -> list[Path]:
    kept = cache_folder() / "jars" / coordinate.replace(":", "_")
    if not kept.is_dir():
        _fetch(coordinate, kept)
    return sorted(kept.glob("*.jar"))


def delta_coordinate() -> str:
    """`group:artifact:version` of the jar that fits the installed pyspark and delta-spark, as Delta's own helper computes it."""
    builder, seen = SparkSession.Builder(), {}

    def capture(key: str, value: Any) -> SparkSession.Builder:
        seen[key] = str(value)
        return builder

    from delta import configure_spark_with_delta_pip  # here: platforms with a Delta of their own have no such helper, and need no jars

    setattr(builder, "config", capture)  # noqa: B010 - the helper insists on a plain Builder, and has no public way to ask it for the name alone
    configure_spark_with_delta_pip(builder)
    return seen["spark.jars.packages"]


def _fetch(coordinate: str, kept: Path) -> None:
    sys.stderr.write(f"fetching jars ({coordinate}; Delta's are about 13 MB; once) into {kept}\n")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as temporary:
        work = Path(temporary)
        fault = _resolve(coordinate, work, []) and _resolve(coordinate, work, _machine_trust(work))
        if fault:
            raise JarsNotFound(
                f"cannot fetch the jars of {coordinate} from the Maven repository: {fault}. Without a network, put them and what they "
                "depend on into a folder and name it: SYNTHOHIVE_JARS=/folder, or spark_session(jars='/folder'). Behind a mirror, name an Ivy settings file: "
                "SYNTHOHIVE_IVY_SETTINGS=/file.xml"
            )
        try:
            (work / "jars").rename(kept)  # one step: a run that is killed leaves no half folder
        except OSError:
            if not kept.is_dir():  # another process was faster where it is one
                shutil.copytree(work / "jars", kept)


def _resolve(coordinate: str, work: Path, options: list[str]) -> str:
    """Run the resolver; what went wrong, or nothing."""
    answer = subprocess.run(_command(coordinate, work, options), capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)
    if answer.returncode == 0 and any((work / "jars").glob(f"*{coordinate.split(':')[1]}*.jar")):
        return ""
    lines = [line.strip() for line in (answer.stdout + answer.stderr).splitlines()]
    telling = [line.partition(" url=")[0] for line in lines if "Exception" in line or "Error" in line] or [line for line in lines if "not found" in line]
    return telling[0] if telling else f"the resolver ended with code {answer.returncode}"


def _machine_trust(work: Path) -> list[str]:
    """Options for a second try, with the authorities that the machine trusts rather than those that Java came with."""
    bundle = machine_bundle()
    if bundle is None:
        return []
    store = work / "trust.jks"
    write_trust_store(bundle, store)
    return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={PASSWORD}", "-Djavax.net.ssl.trustStoreType=JKS"]


def _command(coordinate: str, work: Path, options: list[str]) -> list[str]:
    group, artifact, version = coordinate.split(":")
    excludes = "".join(f'<exclude org={quoteattr(org)} matcher="glob"/>' for org in _SHIPPED_BY_SPARK)
    (work / "ivy.xml").write_text(
        f'<ivy-module version="2.0"><info organisation="synthohive" module="jars"/><configurations><conf name="default"/></configurations><dependencies>'
        f'<dependency org={quoteattr(group)} name={quoteattr(artifact)} rev={quoteattr(version)} conf="default->runtime,master"/>{excludes}'
        f"</dependencies></ivy-module>",
        encoding="utf-8",
    )
    settings = os.environ.get("SYNTHOHIVE_IVY_SETTINGS")
    if not settings:
        (work / "settings.xml").write_text(_SETTINGS, encoding="utf-8")
        settings = str(work / "settings.xml")
    home, _ = java_home()
    class_path = str(Path(pyspark.__file__).parent / "jars" / "*")
    pattern = f"{work}/jars/[organisation]_[artifact]-[revision].[ext]"
    ivy = [
        "-settings",
        settings,
        "-cache",
        str(work / "cache"),
        "-ivy",
        str(work / "ivy.xml"),
        "-confs",
        "default",
        "-retrieve",
        pattern,
        "-types",
        "jar",
        "-warn",
    ]
    return [str(home / "bin" / "java"), *options, "-cp", class_path, "org.apache.ivy.Main", *ivy]
