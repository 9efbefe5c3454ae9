"""How to cite linrate and the paper: the command `linrate cite`, and the BibTeX of reports."""

from __future__ import annotations

from typing import Any

from bounds.command_line import HOLDS
from bounds.text import paragraph
from bounds.versions import versions

PAPER = (
    "Zhengdao Chen, Eric Vanden-Eijnden and Joan Bruna. On Feature Learning in Neural Networks with Global Convergence"
    " Guarantees. ICLR 2022, arXiv:2204.10782."
)


def bibtex() -> str:
    """The entries of the paper and of this version of linrate."""
    found = versions()
    return f"""@inproceedings{{chen2022feature,
  title     = {{On Feature Learning in Neural Networks with Global Convergence Guarantees}},
  author    = {{Chen, Zhengdao and Vanden-Eijnden, Eric and Bruna, Joan}},
  booktitle = {{International Conference on Learning Representations}},
  year      = {{2022}},
  eprint    = {{2204.10782}},
  archiveprefix = {{arXiv}},
}}

@software{{linrate,
  title   = {{linrate: theorem verification and bounds for feature learning with global convergence guarantees}},
  author  = {{{{The linrate authors}}}},
  version = {{{found["linrate"]}}},
  note    = {{commit {found["commit"]}}},
}}
"""


def text() -> str:
    """The same for people."""
    found = versions()
    ours = (
        f"The linrate authors. linrate {found['linrate']}: theorem verification and bounds for feature learning with"
        f" global convergence guarantees (commit {found['commit']})."
    )
    return "\n".join([paragraph(PAPER, later="  "), paragraph(ours, later="  ")])


def add_cite_command(commands: Any) -> None:
    """Add the parser of `linrate cite`."""
    command = commands.add_parser("cite", help="how to cite linrate and the paper", example="linrate cite --bibtex")
    command.add_argument("--bibtex", action="store_true", help="as entries for BibTeX")


def run_cite(options: Any) -> int:
    """Print the citation."""
    print(bibtex() if options.bibtex else text(), end="" if options.bibtex else "\n")
    return HOLDS
