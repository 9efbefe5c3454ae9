"""python -m reports"""

import sys

from bounds.command_line import run
from reports.cli import main

sys.exit(run(main))
