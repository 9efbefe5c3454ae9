"""python -m bounds"""

import sys

from bounds.cli import main, run

sys.exit(run(main))
