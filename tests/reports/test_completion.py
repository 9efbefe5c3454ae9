"""The completion of the shells: the scripts parse, and bash offers commands, options, names and files."""

import shutil
import subprocess

import pytest

import bounds
from bounds.command_line import run
from reports.completion import SHELLS, completion, whole_parser
from reports.console import COMMANDS, main

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "linrate.bash"
    path.write_text(completion("bash"))
    return path


def offered(script, *words):
    """What bash offers for the last of the words."""
    line = " ".join(f"'{word}'" for word in ("linrate", *words))
    code = f'source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _shtab_linrate; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, cwd=script.parent)
    assert done.stderr == ""
    return set(done.stdout.split())


@needs_bash
def test_bash_can_read_the_script(script):
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True).stderr == b""


@needs_bash
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["ga"], {"gaps"}),
        (["flow", "--activation", "ge"], {"gelu"}),
        (["width", "--method", "slo"], {"slopes"}),
        (["verify", "--led"], {"--ledger"}),
        (["replay", "--pl"], {"--plot"}),
        (["gaps", "--plot", "linrate."], {"linrate.bash"}),
    ],
)
def test_bash_offers(script, words, found):
    assert offered(script, *words) == found


def test_every_command_is_known_with_all_its_options():
    (commands,) = (a.choices for a in whole_parser()._actions if a.dest == "command")
    assert set(commands) == set(COMMANDS)
    assert "--seeds" in commands["scaling"]._option_string_actions


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_prints_the_script(shell, capsys):
    assert run(main, ["completion", shell]) == 0
    assert "linrate" in capsys.readouterr().out


def test_an_unknown_shell():
    with pytest.raises(bounds.ArgumentError, match="unknown shell 'fisch'"):
        completion("fisch")
