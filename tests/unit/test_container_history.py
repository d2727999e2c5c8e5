import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.containers.history import (
    fetched,
    grown,
    installed,
    installs_again,
    largest,
    needles_told,
    secret_settings,
    shorten,
)
from mde_grader.runtimes.base import BuiltImage, Layer


def layers(*steps: str, size: int = 0, created: int = 100) -> tuple[Layer, ...]:
    return tuple(Layer(step, size, created) for step in steps)


def image(*steps: str, config: dict[str, object] | None = None) -> BuiltImage:
    return BuiltImage("sha256:1", 1, 1, (), layers(*steps), "", config or {}, 1.0, "")


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ("/bin/sh -c #(nop)  ENV DB_PASSWORD=hunter2", ["DB_PASSWORD"]),
        ("ENV DB_PASSWORD=hunter2", ["DB_PASSWORD"]),
        ("/bin/sh -c #(nop)  ENV PATH=/bin A_TOKEN=abc API_KEY='x y'", ["A_TOKEN", "API_KEY"]),
        ('/bin/sh -c #(nop)  ENV SECRET_KEY="quoted"', ["SECRET_KEY"]),
        ("/bin/sh -c #(nop)  ENV db_passwd=low", ["db_passwd"]),
        ("/bin/sh -c #(nop)  ENV DB_PASSWORD=", []),
        ('/bin/sh -c #(nop)  ENV DB_PASSWORD=""', []),
        ("/bin/sh -c #(nop)  ENV DB_PASSWORD_FILE=/run/secrets/db", []),
        ("/bin/sh -c #(nop)  ENV DB_PASSWORD=/run/secrets/db", []),
        ("/bin/sh -c #(nop)  ENV TOKEN_TTL=60 SECRET_NAME=db", []),
        ("/bin/sh -c #(nop)  ENV SITE=Harbour", []),
        ("/bin/sh -c SECRET_KEY=dummy python build.py", []),
        ("/bin/sh -c #(nop) LABEL token=x", []),
    ],
)
def test_secret_settings(step: str, names: list[str]) -> None:
    assert secret_settings(layers(step)) == names


def test_needles_are_found_in_steps_and_in_the_configuration() -> None:
    built = image("|1 P=abc123 /bin/sh -c test -n $P", config={"Env": ["X=def456"], "User": None})
    told = needles_told(built, ("abc123", "def456", "ghi789", ""))
    assert [needle for needle, _ in told] == ["abc123", "def456"]
    assert told[0][1] == "the step `test -n $P`"
    assert "Env" in told[1][1]
    assert all("abc123" not in where and "def456" not in where for _, where in told)


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("/bin/sh -c #(nop) COPY file:1 in /", "COPY file:1 in /"),
        (f"/bin/sh -c #(nop) COPY dir:{'2b' * 32} in /app ", "COPY ... /app"),
        (f"/bin/sh -c #(nop) COPY --chown=app:app multi:{'2b' * 32} in /app ", "COPY --chown=app:app ... /app"),
        ("/bin/sh -c pip   install\n x", "pip install x"),
        ("|2 A=1 B=secret /bin/sh -c make", "make"),
        ("COPY . . # buildkit", "COPY . . # buildkit"),
    ],
)
def test_a_step_is_shown_without_the_builders_words(step: str, text: str) -> None:
    assert shorten(step) == text


@given(st.text(max_size=300))
def test_a_step_is_one_short_line(step: str) -> None:
    shown = shorten(step)
    assert len(shown) <= 60
    assert "\n" not in shown


def test_growth_is_the_largest_of_one_step() -> None:
    before = (Layer("COPY a", 10, 1), Layer("COPY b", 10, 1))
    after = (Layer("COPY a", 15, 2), Layer("COPY b", 1_010, 2))
    assert grown(before, after) == (1_000, "COPY b")


def test_growth_of_nothing_is_none() -> None:
    assert grown((), ()) == (0, "")


def test_growth_where_the_steps_differ_is_that_of_the_whole() -> None:
    assert grown(layers("a", size=5), layers("a", "b", size=5)) == (5, "the image")


@pytest.mark.parametrize(
    "step",
    [
        "/bin/sh -c pip install --no-index -r requirements.txt",
        "/bin/sh -c python -m pip install --no-cache-dir wheels/flask-3.whl",
        "/bin/sh -c cd /src && pip3 install --find-links vendor flask",
        "/bin/sh -c uv pip install -f wheels flask",
    ],
)
def test_an_install_step_that_ran_again_is_named(step: str) -> None:
    assert installs_again(layers(step, created=1), layers(step, created=2)) == shorten(step)
    assert installs_again(layers(step, created=1), layers(step, created=1)) == ""


@pytest.mark.parametrize(
    "step",
    [
        "/bin/sh -c python -m compileall .",
        "COPY pip /pip",
        "/bin/sh -c pip install .",
        "/bin/sh -c pip check; install -f x",
    ],
)
def test_other_steps_may_run_again(step: str) -> None:
    assert installs_again(layers(step, created=1), layers(step, created=2)) == ""


@pytest.mark.parametrize(
    ("paths", "projects"),
    [
        ([], []),
        (["/simple/flask/", "/simple/"], []),
        (["/wheels/Flask-3.1.3-py3-none-any.whl", "/wheels/flask-3.1.3-py3-none-any.whl"], ["flask"]),
        (["/wheels/setuptools-79.0.1-py3-none-any.whl", "/wheels/wheel-0.45.1-py3-none-any.whl"], []),
        (["/wheels/psycopg_binary-3.3.9-cp311-cp311-manylinux_2_17_x86_64.whl"], ["psycopg_binary"]),
    ],
)
def test_what_was_fetched(paths: list[str], projects: list[str]) -> None:
    assert fetched(paths) == projects


def test_the_largest_steps_come_first() -> None:
    history = (Layer("small", 1_000_000, 1), Layer("big", 90_000_000, 1), Layer("none", 0, 1))
    lines = largest(history, 2).splitlines()
    assert len(lines) == 2
    assert "90.0 MB  big" in lines[0]


def test_what_pip_says_it_installed_counts_only_where_it_is_a_dependency() -> None:
    log = (
        "Step 3/9 : RUN ./install.sh\n ---> Running in 0123456789ab\n"
        "Successfully installed Flask-3.1.0 psycopg_binary-3.2.1 parceldesk-1.0\n ---> fedcba987654\n"
    )
    assert installed(log, ["flask", "psycopg-binary", "gunicorn"]) == ["flask", "psycopg-binary"]
    assert installed("Step 3/9 : RUN pip install flask\n ---> Using cache\n", ["flask"]) == []
    assert installed("echo Successfully installed flask-1\n", ["flask"]) == []
