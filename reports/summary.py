"""The gap report on a terminal."""

from __future__ import annotations

from bounds import Problem
from bounds.text import printable
from verify.report_rows import Row, tested


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def summary(problem: Problem, rows: list[Row]) -> str:
    """What the theorems ask for, then one line for each tested quantity."""
    low, high = problem.spectrum.lmin[0], problem.spectrum.lmax[1]
    lines = [
        f"{printable(problem.name)}: n={problem.n} d={problem.d} {problem.activation.name}"
        f" lambda_min >= {low:.5g} lambda_max <= {high:.5g} ||y|| = {float(problem.y_norm):.5g}",
        "",
        f"{'method':14} {'init':14} {'required width':>15} {'scale':>11} {'rate':>11}",
    ]
    asked = [row for row in rows if row.get("trials") == 0]
    for row in asked:
        if row["quantity"] == "required width":
            rate = next(
                r["theory"]
                for r in asked
                if r["quantity"] == "promised rate" and (r["method"], r["init"]) == (row["method"], row["init"])
            )
            lines.append(
                f"{row['method']:14} {row['init']:14} {_number(row['theory']):>15} {_number(row['scale']):>11}"
                f" {_number(rate):>11}"
            )
    lines += ["", f"{'claim':19} {'quantity':25} {'scale':>9} {'theory':>11} {'measured':>11} {'gap':>9}  verdict"]
    for row in tested(rows):
        verdict = row["verdict"] + (" (vacuous)" if row["vacuous"] else "")
        if row.get("trials"):
            verdict += f" ({row['failures']} failures in {row['trials']} trials)"
        lines.append(
            f"{row['claim']:19} {row['quantity']:25} {_number(row['scale']):>9} {_number(row['theory']):>11}"
            f" {_number(row['measured']):>11} {_number(row['gap']):>9}  {verdict}"
        )
    return "\n".join(lines)
