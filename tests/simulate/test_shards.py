"""One network whose neurons are shared among processes: the trajectory of one process, bit for bit; what they are told
when one of them is lost, or not like the others. The processes are real ones, and meet through torch.distributed."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import bounds
import simulate
from simulate import network, processes
from simulate.field import chunks
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from tests.simulate.shard_worker import CASES, NEARLY, problem

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are forked")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What shard_worker.py leaves there."""
    found = tmp_path_factory.mktemp("shards")
    command = [sys.executable, "-m", "tests.simulate.shard_worker", str(found)]
    # One thread: a pool of OpenMP does not survive a fork.
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def told(folder):
    return json.loads((folder / "told.json").read_text())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_number_of_processes_changes_no_bit(folder, told, case, size):
    one, many = np.load(folder / "alone.npz"), np.load(folder / f"{size}.npz")
    names = [name for name in one.files if name.startswith(f"{case}: ")]
    assert len(names) > 20
    assert [name for name in many.files if name.startswith(f"{case}: ")] == names
    for name in names:
        np.testing.assert_array_equal(many[name], one[name], err_msg=name)


def test_processes_with_unlike_shares_agree_on_equal_points_and_on_save_points(told):
    alone, *together = told["equal points"]["told"]
    assert len(json.loads(alone)) == 12
    assert together == [alone] * 3


def test_networks_of_all_kinds_are_certified(folder):
    """So that what is compared above are numbers: the cases without a certificate are the ones that can have none."""
    one = np.load(folder / "alone.npz")
    without = {name.partition(":")[0]: str(one[name]) for name in one.files if "no certificate" in name}
    assert without == {"pairs": "a certificate is about the paper's scaling, 'ours'. Found 'ntk'."}
    for case in set(CASES) - {"pairs"}:
        assert np.isfinite(one[f"{case}: certified beta"]).any(), case
    assert np.nanmax(one["tanh: certified rate"]) > 0


@pytest.mark.parametrize("size", [1, 2, 3])
def test_operators_of_a_gpu_agree_nearly(folder, size):
    one, many = np.load(folder / "alone.npz"), np.load(folder / f"{size}.npz")
    names = [name for name in one.files if name.startswith(f"{NEARLY}: ") and "error" not in name]
    assert len(names) > 20
    for name in names:
        if one[name].dtype.kind == "f":
            np.testing.assert_allclose(many[name], one[name], rtol=1e-10, atol=1e-13, err_msg=name)


def test_what_travels_is_counted(told):
    alone, two, three = ([int(x) for x in told[f"{size} together"]["told"][0].split()] for size in (1, 2, 3))
    assert alone[0] == two[0] == three[0] > 100
    assert alone[1] == 0 < two[1] < three[1]


def test_a_killed_process_ends_the_run_and_another_number_goes_on(folder, told):
    *others, killed = told["killed"]["told"]
    assert killed == "exit -9"
    for text in others:
        assert text.startswith("LostProcess: one of the 3 processes that share the network is lost")
        assert re.search(r"run.npz' as it was \d+ s ago: resume it, with any number of processes", text)
    assert told["killed"]["seconds"] < 60
    whole = np.load(folder / "alone.npz")["tanh: loss"].tolist()
    for text in (*told["resumed"]["told"], *told["resumed alone"]["told"]):
        assert json.loads(text) == whole


def test_a_process_that_hangs_is_lost_too(told):
    text, _ = told["hanging"]["told"]
    assert "is lost: it was ended from outside, or did not answer for 5 seconds (LINRATE_PATIENCE)" in text


def test_what_ends_one_of_them_ends_the_others_and_is_told(told):
    for text in told["stopped"]["told"]:
        assert text.startswith("Interrupted: interrupted; the run is saved in"), text
    other, failed = told["one fails"]["told"]
    assert failed == "DataError: something is wrong here"
    assert other.startswith("LostProcess: process 1 of 2 has ended: something is wrong here"), other


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "too many",
            "the world size 2 is larger than the number of blocks, 1, into which a network of m = 100 neurons",
        ),
        ("another width", "process 1 of 2 is not like the others: width is 1780 in process 0, 1781 there"),
        ("another time", "process 1 of 2 is not like the others: max_steps is 5 in process 0, 6 there"),
        ("predict", "predict needs all 1780 neurons, of which this process has"),
        ("no checkpoint", "none.npz' does not exist. Start without resume=True."),
        ("versions", "linrate is '0.0' in process 0, '0.1' there. Run the same version"),
        ("nobody there", "the processes could not meet at MASTER_ADDR:MASTER_PORT = 127.0.0.1:"),
        ("half a world", "need MASTER_ADDR in the environment. Start them by torchrun --nproc-per-node P"),
    ],
)
def test_what_cannot_work_is_refused_by_all(told, what, message):
    for text in told[what]["told"]:
        assert message in text, text
        assert text.startswith(("ArgumentError", "DataError"))


def test_torchrun_is_one_command(tmp_path, capsys):
    """Process 0 alone prints and writes."""
    options = ["flow", "--builtin", "experiment-1", "--n", "5", "--width", "14000", "--t-max", "0.5", "--certify"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    start = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",
        "-m",
        "--",
        "simulate",
    ]
    outs = ["--out", str(tmp_path / "two.csv"), "--state-out", str(tmp_path / "two.npz")]
    done = subprocess.run([*start, *options, *outs], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("status") == 1
    assert "shared  by 2 processes" in done.stdout
    from simulate.cli import main

    outs = ["--out", str(tmp_path / "one.csv"), "--state-out", str(tmp_path / "one.npz")]
    assert main([*options, *outs]) == 0
    assert "rate " in (certificate := capsys.readouterr().out.partition("as a start of gradient flow")[2])
    assert done.stdout.partition("as a start of gradient flow")[2] == certificate
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()
    one, two = (np.load(tmp_path / name) for name in ("one.npz", "two.npz"))
    for name in one.files:
        np.testing.assert_array_equal(one[name], two[name])


def test_patience_must_be_a_number(monkeypatch):
    monkeypatch.setenv("LINRATE_PATIENCE", "long")
    with pytest.raises(
        bounds.ArgumentError, match=r"LINRATE_PATIENCE must be a positive number of seconds. Found 'long'"
    ):
        processes.patience()


def test_a_process_allocates_for_its_own_neurons_only():
    share = chunks.share(n=5, rows=5, m=14_000, itemsize=8, low_memory=False, gpu=False, rank=1, size=3)
    assert share.edges == (0, 3584, 7168, 14_000)
    signs = np.ones((1, share.beyond - share.first))
    flow = Flow(problem(), signs, network.scaling_of("ours", 14_000), Arrays("float64", "cpu"), share=share)
    assert flow.empty().shape == (1, 5, 3584)
    assert (flow.m, flow.first) == (14_000, 3584)


@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_neurons_are_the_same_whoever_draws_them(monkeypatch, init):
    monkeypatch.setattr(network, "DRAWN_TOGETHER", 100)
    options = {"width": 660, "scale": 2.0, "seed": 3, "init": init, "scaling": "ours", "X_test": np.ones((2, 20))}
    whole = simulate.sample_network(problem(), **options)
    for first, beyond in [(0, 660), (0, 90), (90, 210), (250, 400), (325, 335), (659, 660)]:
        some = network.sample_neurons(problem(), first, beyond, **options)
        for name in ("H", "signs", "H_test"):
            np.testing.assert_array_equal(getattr(some, name), getattr(whole, name)[first:beyond])
    assert len(np.unique(whole.H[:, 0])) == (660 if init == "independent" else 330)


def test_up_to_a_block_a_seed_draws_what_it_always_did(small):
    """The numbers of the release before networks were drawn in blocks."""
    weights, signs, _ = np.random.SeedSequence(4).spawn(3)
    H = (network.square_root(small.gram) @ np.random.default_rng(weights).standard_normal((300, 4)).T).T
    found = simulate.sample_network(small, width=300, scale=2.0, seed=4)
    np.testing.assert_array_equal(found.H, H)
    np.testing.assert_array_equal(found.signs, 4.0 * np.random.default_rng(signs).integers(0, 2, 300) - 2.0)
