"""linrate certify: a certificate for one network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from bounds.certificates.by_profile import Certificate
from bounds.certificates.certificate import certificate_table, certify
from bounds.command_line import (
    HOLDS,
    UNDECIDED,
)
from bounds.commands.options import add_json, add_method, without_nan
from bounds.data.embeddings import get_embedding
from bounds.data.state import State, read_state
from bounds.data.weights import pre_activations
from bounds.errors import ArgumentError
from bounds.neurons import Neurons
from bounds.pictures.certificate import SIZE as CERTIFICATE
from bounds.pictures.style import add_plot_option, check_picture, picture_file
from bounds.presented import finite, plain
from bounds.problem import Problem
from bounds.progress import announce
from bounds.rounding import rounded
from bounds.text import paragraph
from bounds.text_table import Column, fitted_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


T = TypeVar("T")


def add_command(commands: Any) -> None:
    """Add the parser of `linrate certify`."""
    command = commands.add_parser(
        "certify", help="a certificate for one network", example="linrate certify state.npz --activation tanh"
    )
    command.add_argument(
        "state",
        metavar="NPZ",
        help="X (n, d), y (n,), signs (m,), and either H (m, n), as linrate flow --state-out writes them, or the"
        " weights W (m, D) with h_i(x) = (1/sqrt D) sum_j W_ij phi_j(x)",
    )
    command.add_argument("--activation", help="name of the activation (default: the state's own, else tanh)")
    command.add_argument("--embedding", help="as for linrate width (default: the state's own, else identity)")
    command.add_argument(
        "--last-layer",
        type=float,
        metavar="MOBILITY",
        help="the mobility of a trained last layer (default: the state's own, else 0: fixed)",
    )
    add_method(command)
    add_json(command)
    add_plot_option(command, "how much of each ingredient of the certificate is used")
    command.set_defaults(run_command=run)


def run(options: Any) -> int:
    """Print the certificate of a saved network; UNDECIDED if it does not hold."""
    if options.plot:
        check_picture(options.plot)
    state = read_state(options.state)
    problem = Problem(
        state.X,
        state.y,
        activation=_given_or_saved(options, state, "activation", "tanh"),
        embedding=get_embedding(_given_or_saved(options, state, "embedding", "identity")),
        last_layer=_given_or_saved(options, state, "last_layer", 0.0),
    )
    H = state.H if state.W is None else pre_activations(problem, state.W, problem.X, "X")
    if options.method == "shadowing":
        announce("following the path of the network with a proved error: up to minutes ...")
    c = certify(problem, H, signs=state.signs, method=options.method)
    every = certificate_table(problem, H, signs=state.signs)
    if options.plot:
        with picture_file(options.plot, size=CERTIFICATE) as axes:
            c.plot(axes)
    if options.json:
        print(json.dumps(finite({**c.to_dict(), "methods": plain(without_nan(every))}), allow_nan=False))
        return HOLDS if c.holds else UNDECIDED
    print(_text(c, every))
    return HOLDS if c.holds else UNDECIDED


def certificate_of(problem: Problem, neurons: Neurons, signs: np.ndarray) -> str:
    """The best certificate by a formula, and those of all formulas, for a terminal."""
    return _text(certify(problem, neurons, signs=signs), certificate_table(problem, neurons, signs=signs))


def _text(c: Certificate, every: pd.DataFrame) -> str:
    """A certificate for a terminal; every: the table of all methods that are formulas."""
    rate = rounded(c.rate, "down")
    return "\n".join(
        [
            f"holds           {c.holds}",
            f"rate            {rate}",
            f"method          {c.method}",
            f"beta            {rounded(c.beta, 'up')}",
            f"critical scale  {rounded(c.critical_scale, 'up')}",
            f"path length     {rounded(c.path_length, 'up')}",
            paragraph(c.reason, "reason          ", " " * 16),
            "",
            _certificates_as_text(every),
            "",
            paragraph(f"Proved: from this network on, L_t <= L_0 exp(-{rate} t) for all times, without probability.")
            if c.holds
            else "Nothing is certified for this network, which does not mean that its loss fails to converge.",
        ]
    )


def _certificates_as_text(frame: pd.DataFrame) -> str:
    """The table of every method that is a formula; a method that does not apply says why."""
    columns = [
        Column("method", align="<"),
        Column("holds", align="<"),
        Column("rate", rounding="down"),
        Column("beta", rounding="up"),
        Column("critical scale", rounding="up"),
    ]
    rows, refused = [], []
    for row in frame.to_dict("records"):
        if row["holds"] is None:
            refused.append(f"{row['method']} does not apply: {row['reason']}")
        else:
            holds = "yes" if row["holds"] else "no"
            rows.append([row["method"], holds, row["rate"], row["beta"], row["critical_scale"]])
    lines = [paragraph(line, "", "  ") for line in refused]
    return "\n".join([fitted_table(columns, rows), *lines])


def _given_or_saved(options: Any, state: State, name: str, default: T) -> T:
    """The activation, embedding or last_layer of the command line, else that of the state file, else the default."""
    given, saved = getattr(options, name), getattr(state, name)
    if given is not None and saved is not None and given != saved:
        flag = name.replace("_", "-")
        raise ArgumentError(f"--{flag} {given!r} contradicts the state's own {name} {saved!r}. Leave it out.")
    found: T = default if saved is None and given is None else saved if given is None else given
    return found
