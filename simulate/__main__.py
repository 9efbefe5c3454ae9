"""python -m simulate"""

import sys

from bounds.cli import run
from simulate.cli import main

sys.exit(run(main))
