"""python -m reports"""

import sys

from bounds.cli import run
from reports.cli import main

sys.exit(run(main))
