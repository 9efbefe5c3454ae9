"""Data files as people have them: chosen columns, missing cells, other separators, booleans, .tsv and .gz."""

import gzip

import numpy as np
import pytest

import bounds
from bounds.data.inspection import scaled_columns, warnings_about
from bounds.data.readers import Table, load_file, load_table

TEXT = "name,a,b,c,y\nx,1,true,0.5,0.1\nz,0,False,,-0.3\nw,0.3,TRUE,1,0.2\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(TEXT)
    return path


def test_columns_drop_dropna_and_booleans(file):
    X, y, notes = load_table(file, Table(drop=("name",), dropna=True))
    np.testing.assert_array_equal(X, [[1, 1, 0.5], [0.3, 1, 1]])
    np.testing.assert_array_equal(y, [0.1, 0.2])
    assert notes == ["1 of 3 rows have a missing cell and were left out (--dropna)."]
    X, y, _ = load_table(file, Table(target="a", columns=("y", "b")))
    np.testing.assert_array_equal(X, [[1, 0.1], [0, -0.3], [1, 0.2]])  # in the order of the file
    np.testing.assert_array_equal(y, [1, 0, 0.3])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (Table(), r"line 2, column 'name': 'x' is not a finite number\. Encode it as a number, or leave .*--drop"),
        (Table(drop=("name",)), r"line 3, column 'c': '' is not a finite number\. --dropna leaves such rows out"),
        (Table(drop=("nme",)), r"no column 'nme'\. Did you mean 'name'\?"),
        (Table(columns=("q",)), r"no column 'q'\. Found"),
        (Table(drop=("name",), dropna=True, target="Y"), r"no column 'Y'\. Did you mean 'y'\?"),
        (Table(drop=("y",)), r"--drop leaves out 'y', which is y"),
        (Table(sep=";;"), r"--sep must be one character"),
    ],
)
def test_what_is_refused(file, table, words):
    with pytest.raises(bounds.DataError, match=words):
        load_table(file, table)


def test_separators(tmp_path):
    rows = [["a", "b", "y"], ["1", "2", "3"], ["4", "5", "6"]]
    for name, sep, given in (("t.tsv", "\t", None), ("s.csv", ";", ";"), ("p.csv", "|", "|")):
        (tmp_path / name).write_text("\n".join(sep.join(row) for row in rows))
        X, y, _ = load_table(tmp_path / name, Table(sep=given))
        np.testing.assert_array_equal(np.c_[X, y], [[1, 2, 3], [4, 5, 6]])
    with pytest.raises(bounds.DataError, match=r"must hold at least one row and two columns|';' separates"):
        load_table(tmp_path / "s.csv", Table())


def test_compressed_files(tmp_path, monkeypatch):
    for name, sep in (("d.csv.gz", ","), ("d.tsv.gz", "\t")):
        with gzip.open(tmp_path / name, "wt") as stream:
            stream.write(f"a{sep}y\n1{sep}2\n3{sep}4\n")
        X, y = load_file(tmp_path / name)
        np.testing.assert_array_equal(np.c_[X, y], [[1, 2], [3, 4]])
    with gzip.open(tmp_path / "bomb.csv.gz", "wt") as stream:
        stream.write("0," * 10**6 + "1\n")
    monkeypatch.setenv("LINRATE_FILE_LIMIT_GB", "0.001")
    with pytest.raises(bounds.DataError, match="LINRATE_FILE_LIMIT_GB"):
        load_file(tmp_path / "bomb.csv.gz")
    (tmp_path / "fake.csv.gz").write_text("a,y\n1,2\n")
    with pytest.raises(bounds.DataError, match="cannot be read"):
        load_file(tmp_path / "fake.csv.gz")


def test_options_of_tables_are_refused_for_arrays(tmp_path):
    np.savez(tmp_path / "d.npz", X=np.eye(2), y=np.ones(2))
    for table in (Table(columns=("a",)), Table(drop=("a",)), Table(dropna=True), Table(sep=";")):
        with pytest.raises(bounds.DataError, match="is for tables with columns"):
            load_table(tmp_path / "d.npz", table)


def test_scaling_keeps_the_rank_where_centring_would_not():
    X = np.random.default_rng(0).standard_normal((4, 6)) * np.array([1, 1e5, 1, 1, 0, 1e-3])
    scaled = scaled_columns(X)
    np.testing.assert_allclose(np.mean(scaled**2, axis=0), [1, 1, 1, 1, 0, 1])
    assert np.linalg.matrix_rank(scaled) == np.linalg.matrix_rank(X) == 4
    assert np.linalg.matrix_rank(X - X.mean(axis=0)) == 3


def test_warnings():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((4, 6)), rng.uniform(-1, 1, 4)
    assert warnings_about(X, y) == []
    assert "y is constant" in warnings_about(X, np.ones(4))[0]
    assert "--scale-columns" in warnings_about(X * np.array([1, 1, 1, 1, 1, 1e4]), y)[0]
    assert "column 2 of the inputs is zero" in warnings_about(X * np.array([1, 0, 1, 1, 1, 1]), y)[0]
    assert "every column is centred" in warnings_about(X - X.mean(axis=0), y)[0]
    centred = bounds.Problem(X - X.mean(axis=0), y, activation="relu")
    with pytest.raises(bounds.AssumptionError, match="the columns are centred, so that the rows add up to zero"):
        bounds.guarantee(centred)
