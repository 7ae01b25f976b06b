"""Root causes, from what Spark 4.2 really says: as it comes through Py4J, and over Connect."""

from __future__ import annotations

import pytest

from synthohive_spark.causes import chain, describe, failure, step
from synthohive_spark.errors import GenerationError, SchemaError

SECRET = "Jane Doe"


def spark_error(name: str, text: str, condition: str | None = None, module: str = "pyspark.errors.exceptions.connect") -> Exception:
    """An error as Spark raises it; its classes cannot be made without a JVM or a server."""
    made: type[Exception] = type(name, (Exception,), {"__module__": module, "__str__": lambda self: text, "getCondition": lambda self: condition})
    return made()


def py4j_error(text: str) -> Exception:
    return spark_error("Py4JJavaError", f"An error occurred while calling o73.collectToPython.\n: {text}", module="py4j.protocol")


WORKER = f"""
  An exception was thrown from the Python worker. Please see the stack trace below.
[PYTHON_EXCEPTION] An exception was thrown from the Python worker: Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/synthohive_spark/kernels/columns/numbers.py", line 12, in fit_numbers
    low = float(text)
  File "/venv/lib/python3.11/site-packages/pandas/core/base.py", line 7, in __getattr__
    raise
ValueError: could not convert string to float: '{SECRET}
on two lines'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/tmp/spark-1/synthohive_spark.zip/synthohive_spark/kernels/columns/fit.py", line 40, in fit_column
    return fit_numbers(frame)
           ^^^^^^^^^^^^^^^^^^
KeyError: '{SECRET}'
 SQLSTATE: 38000"""


def test_a_worker_s_error_is_told_by_class_and_place_with_what_caused_it() -> None:
    error = spark_error("PythonException", WORKER)
    root = "ValueError at kernels/columns/numbers.py:12 (fit_numbers), in pandas/core/base.py:7 (__getattr__)"
    assert describe(error) == f"KeyError at kernels/columns/fit.py:40 (fit_column), caused by {root}"
    assert [link.name for link in chain(error)] == ["PythonException", "KeyError", "ValueError"]
    assert not any(SECRET in str(link) for link in chain(error))


@pytest.mark.parametrize("tail", ["\n SQLSTATE: 38000", "\n\n\tat org.apache.spark.api.python.BasePythonRunner.x(PythonRunner.scala:665)\n"])
def test_our_own_error_of_a_worker_keeps_all_its_lines_and_no_others(tail: str) -> None:
    text = f"""[PYTHON_EXCEPTION] An exception was thrown from the Python worker: Traceback (most recent call last):
  File "/x/synthohive_spark/kernels/keys.py", line 3, in made
    raise SchemaValidationError(faults)
synthohive_spark.errors.SchemaValidationError: 2 faults in the schema:
  1. one
  2. two{tail}"""
    assert describe(spark_error("PythonException", text)) == "2 faults in the schema:\n  1. one\n  2. two"
    assert describe(py4j_error(f"org.apache.spark.api.python.PythonException: {text}")) == "2 faults in the schema:\n  1. one\n  2. two"


CAST = f"""[CAST_INVALID_INPUT] The value '{SECRET}' of the type "STRING" cannot be cast to "INT" because it is malformed. SQLSTATE: 22018
== DataFrame ==
"cast" was called from
/x/synthohive_spark/storage/files.py:43
"""


def test_a_cast_error_is_told_by_its_condition_and_where_the_cast_was_written() -> None:
    captured = spark_error("NumberFormatException", CAST, "CAST_INVALID_INPUT", "pyspark.errors.exceptions.captured")
    connect = spark_error("NumberFormatException", f"{CAST}\nJVM stacktrace:\norg.apache.spark.SparkNumberFormatException\n\tat org.x.Y(Z.scala:1)")
    py4j = py4j_error(f"org.apache.spark.SparkNumberFormatException: {CAST}\n\tat org.x.Y(Z.scala:1)")
    assert describe(captured) == "NumberFormatException (CAST_INVALID_INPUT) at cast called in storage/files.py:43"
    assert describe(connect) == describe(py4j) == "SparkNumberFormatException (CAST_INVALID_INPUT) at cast called in storage/files.py:43"


ABORTED = """org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 4.0 failed 1 times, \
most recent failure: Lost task 0.0 in stage 4.0 (TID 8) (192.0.2.2 executor 1): """
DIED = f"""{ABORTED}org.apache.spark.SparkException: Python worker exited unexpectedly (crashed). Consider setting ...
\tat org.apache.spark.api.python.BasePythonRunner(PythonRunner.scala:704)
Caused by: java.io.EOFException
\tat java.base/java.io.DataInputStream.readInt(DataInputStream.java:386)

Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler(DAGScheduler.scala:3318)
Caused by: java.io.EOFException
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DIED, "SparkException: Python worker exited unexpectedly (crashed)"),
        (
            f"{ABORTED}ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Command exited with code 137\n",
            "SparkException: ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Command exited with code 137",
        ),
        (
            f"org.apache.spark.SparkException: {SECRET}\n\tat a.b(C.java:1)\nCaused by: java.lang.OutOfMemoryError: Java heap space\n\tat a.b(C.java:1)",
            "OutOfMemoryError: Java heap space",
        ),
        (
            "org.apache.spark.SparkException: \nError from python worker:\n  /usr/bin/python3: No module named pyspark\nPYTHONPATH was:\n  /x\n\tat a.b(C:1)",
            "SparkException: Error from python worker: /usr/bin/python3: No module named pyspark",
        ),
        (f"java.io.IOException: writing {SECRET}: No space left on device\n\tat a.b(C.java:1)", "IOException: No space left on device"),
        ("org.apache.hadoop.fs.FileAlreadyExistsException: /out/name=Jane Doe/a.parquet exists", "FileAlreadyExistsException: /out/.../a.parquet exists"),
        ('org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme "s3"', 'UnsupportedFileSystemException: No FileSystem for scheme "s3"'),
        (f"org.x.StrangeException: {SECRET}", "StrangeException"),
        ("org.apache.spark.SparkException: \nCaused by: org.apache.spark.sql.X$Inner$YException: [DIVIDE_BY_ZERO] Division", "YException (DIVIDE_BY_ZERO)"),
    ],
)
def test_errors_of_the_jvm(text: str, expected: str) -> None:
    assert describe(py4j_error(text)) == expected


def test_errors_of_a_connect_server_name_the_java_class() -> None:
    name = "org.apache.hadoop.fs.ParentNotDirectoryException"
    unknown = f"({name}) Parent path is not a directory: file:/a\n\nJVM stacktrace:\n{name}\n\tat a.b(C:1)"
    assert describe(spark_error("UnknownException", unknown)) == "ParentNotDirectoryException: Parent path is not a directory: file:/a"
    gone = '<_InactiveRpcError of RPC that terminated with:\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = "failed to connect to all addresses; ..."'
    assert describe(spark_error("SparkConnectGrpcException", gone)) == "SparkConnectGrpcException: failed to connect to all addresses"


def test_names_and_paths_of_conditions_about_the_catalog_are_shown() -> None:
    missing = "[PATH_NOT_FOUND] Path does not exist: file:/lake/orders. SQLSTATE: 42K03"
    assert describe(spark_error("AnalysisException", missing)) == "AnalysisException (PATH_NOT_FOUND): Path does not exist: file:/lake/orders"


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except BaseException as caught:
        return caught


def test_errors_of_the_driver() -> None:
    inner = raised(ValueError(SECRET))
    assert describe(raised(KeyError(SECRET), inner)).startswith("KeyError at tests/unit/test_causes.py:")
    assert ", caused by ValueError at tests/unit/test_causes.py:" in describe(raised(KeyError(SECRET), inner))
    assert describe(raised(PermissionError(13, "Permission denied", "/lake/name=Jane/x"))).startswith(
        "PermissionError: [Errno 13] Permission denied: '/lake/..."
    )
    assert describe(raised(OSError(SECRET))).startswith("OSError at")
    assert describe(raised(ModuleNotFoundError("No module named 'torch'"))).startswith("ModuleNotFoundError: No module named 'torch' at")
    assert describe(raised(RuntimeError(SECRET), SchemaError("no such table"))) == "no such table"


def test_an_error_that_cannot_say_its_text_is_told_by_its_class() -> None:
    def stopped(self: object) -> str:
        raise AssertionError("no JVM")

    made = type("AnalysisException", (Exception,), {"__module__": "pyspark.errors.exceptions.captured", "__str__": stopped, "getCondition": stopped})
    assert describe(made()) == "AnalysisException"


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert [link.name for link in chain(first)] == ["ValueError", "KeyError"]


def test_the_innermost_step_is_named() -> None:
    with pytest.raises(KeyError) as error, step("fitting all"), step("profiling", "orders"):
        raise KeyError(SECRET)
    assert failure("fitting", error.value).startswith("fitting failed while profiling table 'orders': KeyError at tests/unit/")
    with pytest.raises(GenerationError) as ours, step("writing"):
        raise GenerationError("full")
    assert failure("sampling", ours.value) == "sampling failed while writing: full"
