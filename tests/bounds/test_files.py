"""Writing files: links, modes and names are respected, nothing is lost, nothing is left behind."""

import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import bounds
from bounds.data import files
from bounds.data.files import check_writable, write_atomically
from bounds.text import printable
from tests.commands import python_m


def names(folder):
    return sorted(entry.name for entry in os.scandir(folder))


def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    target, link, chain = tmp_path / "far" / "real.csv", tmp_path / "link.csv", tmp_path / "chain.csv"
    link.symlink_to("far/real.csv")
    chain.symlink_to("link.csv")
    for text in ("new", "again"):  # where the link dangles, and where it does not
        write_atomically(chain, text)
        assert target.read_text() == text
    assert link.is_symlink()
    assert chain.is_symlink()
    assert names(tmp_path / "far") == ["real.csv"]


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(bounds.DataError, match="cannot be written"):
        check_writable(tmp_path / "a")


def test_pipes_and_devices_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "null.csv").symlink_to("/dev/null")
    for path, kind in ((tmp_path / "pipe.csv", "pipe"), ("/dev/null", "device"), (tmp_path / "null.csv", "device")):
        with pytest.raises(bounds.DataError, match=f"is a {kind}"):
            check_writable(path)
        with pytest.raises(bounds.DataError, match=f"is a {kind}"):
            write_atomically(path, "text")


def test_modes(tmp_path):
    """An old file keeps its mode, a new one gets what the umask leaves."""
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new.csv", "1")
        assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o640
        for mode in (0o600, 0o664):
            (tmp_path / "new.csv").chmod(mode)
            write_atomically(tmp_path / "new.csv", "2")
            assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == mode
    finally:
        os.umask(before)


@pytest.mark.parametrize("name", ["a" * 250 + ".csv", "é" * 125 + ".csv"])
def test_the_longest_names_can_be_written(tmp_path, name):
    check_writable(tmp_path / name)
    write_atomically(tmp_path / name, "text")
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    "name", ["a" * 256, "none/" + "a" * 256, "new/" + "é" * 128, "file/x.csv", "a\0b", "x/" * 2500]
)
def test_impossible_names_are_refused_before_the_work(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(bounds.DataError, match="cannot be written"):
        check_writable(str(tmp_path) + "/" + name)
    assert names(tmp_path) == ["file"]


def test_another_process_may_clean_the_folder_while_it_is_probed(tmp_path, monkeypatch):
    """Between the end of its lock and its removal, the temporary file of the probe looks like that of a killed run."""
    close, cleaned = os.close, []

    def closed(handle):
        close(handle)
        if not cleaned:
            cleaned.append(list(tmp_path.iterdir()))
            files.remove_stale(tmp_path)

    monkeypatch.setattr(files.os, "close", closed)
    assert check_writable(tmp_path / "name") == tmp_path / "name"
    assert len(cleaned[0]) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed(tmp_path):
    """A child is killed in the middle of a write; what another one is still writing stays."""
    script = (
        "import os, sys, time, bounds.data.files as f\n"
        "os.fsync = lambda handle: (print('here', flush=True), time.sleep(60))\n"
        "f.write_atomically(sys.argv[1], 'half')\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / f"{k}.csv")], stdout=subprocess.PIPE)
        for k in range(2)
    ]
    try:
        for child in children:
            assert child.stdout.readline() == b"here\n"
        assert len(names(tmp_path)) == 2
        children[0].kill()
        children[0].wait()
        (tmp_path / ".linrate-notes.tmp").write_text("a name like ours, but not one of ours")
        write_atomically(tmp_path / "out.csv", "text")
        assert len([name for name in names(tmp_path) if files.OURS.fullmatch(name)]) == 1
        assert {"out.csv", ".linrate-notes.tmp"} < set(names(tmp_path))
    finally:
        for child in children:
            child.kill()
            child.communicate()
    write_atomically(tmp_path / "out.csv", "text")
    assert names(tmp_path) == [".linrate-notes.tmp", "out.csv"]


def limited(size, *arguments):
    """A command whose files cannot grow beyond that size."""
    return python_m("tests.limited", size, *arguments)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The loops of a flow are compiled and kept on disk by now: under the limit numba could not keep them."""
    out = tmp_path_factory.mktemp("compiled") / "run.csv"
    assert limited(10**9, "flow", "--builtin", "experiment-1", "--n", "4", "--t-max", "1", "--out", out).returncode == 0


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("old", [True, False])
def test_a_full_disk_is_an_error_of_its_own(tmp_path, old):
    out = tmp_path / "run.csv"
    if old:
        out.write_text("old\n")
    flow = ["flow", "--builtin", "experiment-1", "--n", "4", "--width", "30", "--t-max", "1", "--quiet"]
    done = limited(1000, *flow, "--out", out)
    assert done.returncode == 74, done.stderr
    assert done.stderr.startswith("error: ")
    assert "run.csv' could not be written" in done.stderr
    assert ("what it held before is kept" if old else "no part of it is left") in done.stderr
    assert names(tmp_path) == (["run.csv"] if old else [])
    assert not old or out.read_text() == "old\n"


@pytest.mark.usefixtures("compiled")
def test_a_full_disk_keeps_the_checkpoint_before(tmp_path):
    """The file of a run that was stopped stays whole when a later write of it fails."""
    flow = ["flow", "--builtin", "experiment-1", "--n", "4", "--width", "3000", "--t-max", "1"]
    assert limited(10**7, *flow, "--checkpoint", tmp_path / "run.npz").returncode == 0
    whole = (tmp_path / "run.npz").read_bytes()
    done = limited(1000, *flow, "--quiet", "--resume", tmp_path / "run.npz")
    assert done.returncode == 74
    assert "what it held before is kept" in done.stderr
    assert (tmp_path / "run.npz").read_bytes() == whole


def test_a_typed_error_for_a_full_disk(tmp_path):
    assert issubclass(bounds.WriteError, bounds.LinrateError)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(bounds.WriteError, match=r"File too large; no part of it is left\. Free some space"):
            write_atomically(tmp_path / "x.csv", "x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


def test_text_that_cannot_be_encoded_loses_no_report(tmp_path):
    """The name of a file may hold bytes that are no text; the report then shows them escaped."""
    write_atomically(tmp_path / "x.csv", "name,\udcff\n")
    assert (tmp_path / "x.csv").read_text() == "name,\\udcff\n"


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\rb", "a\nb", "\u202eabc", "\udcff", "\x9b31m", "\x7f"])
def test_no_text_steers_the_terminal(text):
    shown = printable(text)
    assert shown.isprintable()
    assert shown.encode("utf-8")
    assert printable("λ = 1, é") == "λ = 1, é"


def test_names_of_files_are_shown_without_their_control_characters(tmp_path, capsys):
    from bounds.command_line import run
    from reports.console import main

    file = tmp_path / "a\x1b[2J\nb.csv"
    file.write_text("a,b,y\n1,0,0.1\n0,1,0.2\n")
    assert run(main, ["table", "--data", str(file)]) == 0
    assert run(main, ["width", "--data", str(file), "--target", "q\x1b[2J"]) == 2
    assert run(main, ["width", "--data", str(file) + "\x1b"]) == 2
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert Path(file).exists()
