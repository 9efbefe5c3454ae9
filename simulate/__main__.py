"""python -m simulate"""

import sys

from bounds.command_line import run
from simulate.cli import main

sys.exit(run(main))
