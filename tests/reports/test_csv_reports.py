"""Every report as CSV: where its rows come from, its columns and their order, and no text that a spreadsheet runs."""

import csv
import types

import numpy as np
import pandas as pd
import pytest

from bounds.command_line import run as run_command
from bounds.csv_file import write_csv
from reports import slack
from reports.certificates import COLUMNS, SwitchRow, write_certificates
from reports.console import main
from simulate.cli import write_observables
from verify.report_rows import write_report

FORMULA = "=1+1"
ORIGIN = {"seed", "linrate", "commit", "python", "numpy", "torch", "dtype", "device"}
FOUND = SwitchRow(FORMULA, n=5, d=20, width=64, scale=1.0, seed=3, method="slopes", seconds=0.5, loss_ratio=0.1 + 0.2)


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def gaps(path):
    write_report([{"claim": FORMULA, "trials": 0}], path)


def certificates(path):
    write_certificates([FOUND], path)


def slack_table(path):
    write_csv(path, [{"data": FORMULA}], slack.COLUMNS)


def observables(path):
    frame = pd.DataFrame({"time": [0.0, 0.1 + 0.2], "loss": [1.0, np.nan]})
    run = types.SimpleNamespace(seed=3, dtype="float64", device=FORMULA, to_frame=lambda: frame)
    write_observables(path, run)


@pytest.mark.parametrize("write", [gaps, certificates, slack_table, observables])
def test_rows_say_where_they_come_from_and_hold_no_formula(tmp_path, write):
    path = tmp_path / "report.csv"
    write(path)
    first = rows_of(path)[0]
    assert set(first) >= ORIGIN
    assert "'" + FORMULA in first.values()
    assert FORMULA not in first.values()
    assert b"\r" not in path.read_bytes()


def test_columns_of_certificates(tmp_path):
    path = tmp_path / "certificates.csv"
    certificates(path)
    (row,) = rows_of(path)
    first = "activation,n,d,width,scale,seed,method,seconds,loss_ratio,time,certified,measured,ratio"
    assert ",".join(row) == first + ",linrate,commit,python,numpy,torch,dtype,device,detail" == ",".join(COLUMNS)
    assert float(row["loss_ratio"]) == 0.1 + 0.2
    assert row["time"] == ""
    assert row["seed"] == "3"
    assert row["numpy"] == np.__version__


def test_columns_of_slack():
    first = "data,activation,method,proved,init,delta,quantity,required,sufficient,slack,bracket,width,scale"
    assert ",".join(slack.COLUMNS).startswith(first + ",promised_rate,trials,seed,linrate,commit,python,numpy,torch")


def test_columns_of_a_flow(tmp_path):
    """Those of the data frame first, then where the run comes from, the same in every row."""
    path = tmp_path / "run.csv"
    arguments = ["--builtin", "reference", "--n", "2", "--width", "16", "--seed", "3", "--out", str(path)]
    assert run_command(main, ["descent", *arguments, "--steps", "20", "--save-every", "10"]) == 0
    frame = pd.read_csv(path)
    columns = ",".join(frame.columns)
    assert columns.startswith("time,loss,loss_error,path_length,power,kernel_min_eig,kernel_max_eig,output_0,output_1,")
    assert columns.endswith(",seed,dtype,device,linrate,commit,python,numpy,torch")
    assert len(frame) == 3
    assert (frame["seed"] == 3).all()
    assert (frame["dtype"] == "float64").all()
    assert (frame["device"] == "cpu").all()


def test_an_interrupted_slack_keeps_the_rows_so_far(tmp_path, monkeypatch):
    def interrupted(**options):
        yield 0, [dict.fromkeys(slack.COLUMNS, None) | {"activation": "tanh", "method": "slopes", "proved": True}]
        raise KeyboardInterrupt

    monkeypatch.setattr(slack, "slack_rows", interrupted)
    assert run_command(main, ["slack", "--out", str(tmp_path / "slack.csv")]) == 130
    (row,) = rows_of(tmp_path / "slack.csv")
    assert row["method"] == "slopes"
