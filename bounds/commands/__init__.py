"""The commands of `bounds`, one a file: `add_command` adds the parser, `run` prints and returns the exit code."""
