"""python -m tests.limited BYTES COMMAND ...: linrate with files that cannot grow beyond that, as on a full disk."""

import resource
import sys

from bounds.command_line import run
from reports.console import main

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
    sys.exit(run(main, sys.argv[2:]))
