"""python -m verify"""

import sys

from bounds.cli import run
from verify.cli import main

sys.exit(run(main))
