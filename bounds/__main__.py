"""python -m bounds"""

import sys

from bounds.cli import main
from bounds.command_line import run

sys.exit(run(main))
