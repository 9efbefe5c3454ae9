"""python -m verify"""

import sys

from bounds.command_line import run
from verify.cli import main

sys.exit(run(main))
