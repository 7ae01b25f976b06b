"""What Spark needs of the machine: a Java, and Delta's jars.

These modules import nothing else of this package: `scripts/jvm.py` loads them alone, before anything heavy.
"""
