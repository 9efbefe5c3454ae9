"""The notice that numba compiles: once, for the first function, and not for those that are read from the cache."""

from bounds.progress import telling
from simulate.compiling import Notice, tell_when_compiling


def test_one_notice_for_all_functions(capsys):
    notice = Notice()
    with telling():
        for _ in range(3):
            notice.on_start(None)
            notice.on_end(None)
    assert capsys.readouterr().err.count("compiling") == 1


def test_numba_tells_when_it_compiles(capsys, monkeypatch):
    from numba import njit
    from numba.core import event

    tell_when_compiling()
    try:

        @njit
        def one(x):
            return x + 1

        with telling():
            assert one(1) == 2
            first = capsys.readouterr().err
            assert one(2) == 3
        assert first.count("compiling") >= 1
        assert capsys.readouterr().err == ""
    finally:
        for listener in [x for x in event._registered["numba:compile"] if isinstance(x, Notice)][1:]:
            event.unregister("numba:compile", listener)
