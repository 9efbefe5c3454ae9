"""python -m linrate COMMAND: the same as the command linrate."""

import sys

from reports.console import entry

if __name__ == "__main__":
    sys.exit(entry())
