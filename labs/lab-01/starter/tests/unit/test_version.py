from ferry.version import UNKNOWN, read_version


def test_the_version_of_a_release(tmp_path):
    (tmp_path / "VERSION").write_text("0a1b2c\n")
    assert read_version(tmp_path) == "0a1b2c"


def test_no_version(tmp_path):
    assert read_version(tmp_path) == UNKNOWN
