"""make proofs: compile the Coq files of this folder, check them again with Coq's own checker, and list their axioms.

Needs Coq with Coquelicot and Interval, and nothing of linrate: the Python package never needs Coq. Ends with exit code
0 only if every file compiles, coqchk accepts it, and every theorem of the list (verify/claims/proofs.toml) is declared
and rests on the axioms below alone. A proof left open (Admitted) is an axiom of its own and is found in the same way.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIST = HERE.parent / "verify" / "claims" / "proofs.toml"
PLACE = ["-Q", ".", "linrate"]
INSTALL = "apt-get install --no-install-recommends coq libcoq-coquelicot libcoq-interval"

# What Coq's real numbers, and Coquelicot on top of them, are built on: nothing else may be assumed.
AXIOMS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
# The machine integers of Coq's kernel, with which the tactic `interval` computes: for numeric statements only.
MACHINE_INTEGERS = ("PrimInt63.", "Uint63.")


def run(command: list[str], folder: Path) -> str:
    """The output of the command; a failure ends the program with what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"proofs: {' '.join(command[:1] + command[-1:])} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def assumed(text: str) -> set[str]:
    """The names that Print Assumptions lists: what stands at the beginning of a line."""
    if text.startswith("Closed under the global context"):
        return set()
    lines = [line for line in text.splitlines() if line and not line[0].isspace() and line != "Axioms:"]
    return {re.split(r"[\s:]", line, maxsplit=1)[0] for line in lines}


def forbidden(names: set[str], numeric: bool) -> set[str]:
    """Those of the assumptions that a theorem may not have; numeric: whether it may compute with machine integers."""
    rest = names - AXIOMS
    return {name for name in rest if not (numeric and name.startswith(MACHINE_INTEGERS))}


def assumptions(theorems: list[str], order: list[str], build: Path) -> set[str]:
    """What the theorems assume, all together."""
    if not theorems:
        return set()
    lines = [f"From linrate Require {Path(name).stem}." for name in order]
    lines += [f"Definition all_ := ({', '.join('@' + name for name in theorems)})."]
    (build / "assumptions_.v").write_text("\n".join([*lines, "Print Assumptions all_."]) + "\n", encoding="utf-8")
    return assumed(run(["coqc", "-w", "none", *PLACE, "assumptions_.v"], build))


def listed(path: Path) -> dict[str, bool]:
    """Theorem ("file.name") -> whether it computes numbers, from the list."""
    proofs = tomllib.loads(path.read_text(encoding="utf-8"))["proof"]
    return {theorem: proof.get("numeric", False) for proof in proofs for theorem in proof["theorems"]}


def main() -> None:
    """Everything that `make proofs` does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=HERE, help="where the .v files are")
    parser.add_argument("--list", type=Path, default=LIST, help="the list of theorems")
    parser.add_argument("--build", type=Path, default=HERE.parent / "build" / "proofs", help="where to compile")
    options = parser.parse_args()
    if not (shutil.which("coqc") and shutil.which("coqchk") and shutil.which("coqdep")):
        sys.exit(f"proofs: Coq is not installed. As root: {INSTALL}")
    files, build, theorems = sorted(options.folder.glob("*.v")), options.build, listed(options.list)
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    for file in files:
        shutil.copy(file, build)
    order = run(["coqdep", *PLACE, "-sort", *(file.name for file in files)], build).split()
    began = time.perf_counter()
    for name in order:
        start = time.perf_counter()
        run(["coqc", "-w", "none", *PLACE, Path(name).name], build)
        print(f"{Path(name).name:18} {time.perf_counter() - start:6.1f} s", flush=True)

    start = time.perf_counter()
    seen: set[str] = set()
    for numeric in (False, True):
        names = [theorem for theorem in theorems if theorems[theorem] == numeric]
        together = assumptions(names, order, build)
        if forbidden(together, numeric):  # whose are they?
            each = {name: forbidden(assumptions([name], order, build), numeric) for name in names}
            bad = [f"{name} assumes {', '.join(sorted(found))}" for name, found in each.items() if found]
            sys.exit("proofs: not proved from Coq's real numbers alone\n" + "\n".join(bad))
        seen |= together
    print(f"{'assumptions':18} {time.perf_counter() - start:6.1f} s", flush=True)

    start = time.perf_counter()
    modules = [f"linrate.{Path(name).stem}" for name in order]
    run(["coqchk", "-silent", *PLACE, *(word for module in modules for word in ("-norec", module))], build)
    print(f"{'coqchk':18} {time.perf_counter() - start:6.1f} s")
    count = sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
    print(
        f"proofs: {len(theorems)} theorems, {count} lines, {time.perf_counter() - began:.0f} s. Axioms: "
        + ", ".join(sorted(seen & AXIOMS))
        + ("; machine integers in numeric statements" if seen - AXIOMS else "")
    )


if __name__ == "__main__":
    main()
