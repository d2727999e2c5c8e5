"""Would pass everything, if anybody took it in."""

import pathlib

pathlib.Path("/tmp/mde-hostile-conftest-ran").write_text("ran")


def pytest_runtest_makereport(item, call):
    call.excinfo = None
