"""What Spark needs of the machine: a Java, and Delta's jars.

These modules import nothing else of this package: `scripts/environment.py` loads them alone, before anything heavy.
"""
