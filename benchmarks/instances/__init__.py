"""Thirty problems with one network each: which of them are certified, at which rate, in how many seconds.

`python -m benchmarks instances` measures them all and writes results.csv and cactus.svg here.
"""
