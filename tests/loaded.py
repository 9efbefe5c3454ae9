"""What the processes of commands.py begin with: the modules that sessions and commands import, the compiled loops in
memory, and none of the files of tests, whose assertions pytest is to rewrite."""

import gc

import hypothesis  # noqa: F401
import pandas as pd  # noqa: F401
import pytest  # noqa: F401
import sklearn.datasets  # noqa: F401
import torch  # noqa: F401

import simulate.compile
import verify.cli
import verify.session.outcome  # noqa: F401

simulate.compile.smooth()
gc.freeze()  # so that no process looks at all of this again when it collects its own garbage
