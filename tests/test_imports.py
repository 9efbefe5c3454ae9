"""`import bounds` is light, nothing in the house runs back up, and no two files import each other."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ABOVE = {"bounds": {"simulate", "verify", "reports"}, "simulate": {"verify", "reports"}, "verify": {"reports"}}
# The rings of simulate, from the inside out: what each may import of simulate, besides itself.
RINGS = {
    "simulate.field": (),
    "simulate.integrators": ("simulate.field",),
    "simulate.solve": ("simulate.field", "simulate.integrators"),
}


@functools.cache
def statements(file: Path) -> list[ast.Import | ast.ImportFrom]:
    """Every import in the text of a file, wherever it stands."""
    return [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]


@functools.cache
def imports() -> dict[str, set[str]]:
    """Module of the project -> the modules of the project that its text imports, anywhere and for any reason."""
    files = {}
    for package in (*ABOVE, "reports"):
        for file in (ROOT / package).rglob("*.py"):
            files[".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = file
    found: dict[str, set[str]] = {}
    for module, file in files.items():
        names = set()
        for node in statements(file):
            if isinstance(node, ast.Import):
                names |= {a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: imports are absolute"
                both = [(f"{node.module}.{a.name}", node.module) for a in node.names]
                names |= {whole if whole in files else str(part) for whole, part in both}
        found[module] = {name for name in names if name in files and name != module}
    return found


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Modules of which each imports the next and the last one the first; empty if there are none."""
    clear: set[str] = set()  # modules from which no cycle can be reached

    def search(module: str, path: list[str]) -> list[str]:
        if module in path:
            return path[path.index(module) :]
        if module not in clear:
            for other in sorted(graph[module]):
                if found := search(other, [*path, module]):
                    return found
            clear.add(module)
        return []

    return next((found for module in graph if (found := search(module, []))), [])


def inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def test_bounds_imports_nothing_heavy():
    code = "import sys, bounds; print([m for m in ('torch', 'matplotlib', 'pandas', 'sympy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_small_flow_needs_no_torch():
    """Its import takes three seconds, longer than everything else in a command that follows a small flow."""
    code = (
        "import sys, bounds, verify.conftest; problem = bounds.Problem([[1.0, 0.2], [0.1, -0.8]], [0.3, -0.2]);"
        "import simulate; simulate.gradient_flow(problem, width=64, t_max=1.0, X_test=[[1.0, 2.0]]);"
        "simulate.gradient_descent(problem, width=64, steps=2); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("package", ABOVE)
def test_imports_only_run_downwards(package):
    for file in (ROOT / package).rglob("*.py"):
        for node in statements(file):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            roots = {name.split(".")[0] for name in names}
            assert not roots & ABOVE[package], (file, roots)
            assert package != "bounds" or "torch" not in roots


def test_simulate_never_sees_a_bound():
    """A measurement takes from bounds only the problem, not what it is compared with."""
    forbidden = ("bounds.methods", "bounds.certificates", "bounds.constants", "bounds.activation.slope_envelope")
    for file in (ROOT / "simulate").rglob("*.py"):
        for node in statements(file):
            if isinstance(node, ast.ImportFrom):
                assert not str(node.module).startswith(forbidden), file


def test_no_import_cycle():
    assert cycle(imports()) == []


def test_a_cycle_is_found():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("ring", RINGS)
def test_a_ring_imports_only_what_is_inside_it(ring):
    members = [module for module in imports() if inside(module, ring)]
    assert len(members) > 3
    for module in members:
        for other in imports()[module]:
            allowed = inside(other, "bounds") or any(inside(other, r) for r in (ring, *RINGS[ring]))
            assert allowed, (module, other)


def test_every_import_of_the_project_names_one_of_its_files():
    """Tests and benchmarks too: an installed copy elsewhere would hide a module that has moved."""
    files = {".".join(file.relative_to(ROOT).with_suffix("").parts) for file in ROOT.glob("*/**/*.py")}
    known = {".".join(name.split(".")[:k]) for name in files for k in range(1, name.count(".") + 2)}
    for folder in (*ABOVE, "reports", "tests", "benchmarks"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in statements(file):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
                missing = [n for n in names if n.split(".")[0] in (*ABOVE, "reports", "tests") and n not in known]
                assert not missing, (file, missing)
