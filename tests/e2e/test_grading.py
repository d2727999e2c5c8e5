"""Gradings on a real engine: exit codes, where output goes, interruptions, kept stacks."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Grader, scorecard, until

pytestmark = pytest.mark.engine


def test_a_right_submission_passes_and_leaves_nothing(grader: Grader) -> None:
    code, out, err = grader.grade(grader.submission("ada"))
    assert code == 0, err
    assert "100 of 100 points" in out
    assert "The page answers" not in out
    assert "The page answers with 200." in err
    assert grader.left_by(grader.started[0]) == []


def test_a_wrong_submission_fails_with_1_and_says_what_was_seen(grader: Grader) -> None:
    code, out, err = grader.grade(grader.submission("bob", page="go away"))
    assert code == 1, err
    assert "go away" in out
    assert "Write hello into index.html." in out


def test_a_refused_submission_fails_with_1_and_names_the_line(grader: Grader) -> None:
    folder = grader.submission("eve")
    (folder / "Dockerfile").write_text("FROM evil/image\n")
    code, out, err = grader.grade(folder)
    assert code == 1, err
    assert "Dockerfile:1" in out


def test_a_submission_that_does_not_build_fails_with_1(grader: Grader) -> None:
    code, out, err = grader.grade(grader.submission("dan", more="RUN exit 7\n"))
    assert code == 1, err
    assert "Traceback" not in out + err
    assert grader.left_by(grader.started[0]) == []


def test_a_submission_that_does_not_start_fails_with_1(grader: Grader) -> None:
    folder = grader.submission("fay")
    (folder / "Dockerfile").write_text('FROM python:3.11-slim-bookworm\nUSER 1000\nCMD ["python3", "-c", "1/0"]\n')
    code, out, err = grader.grade(folder)
    assert code == 1, err
    assert "ZeroDivisionError" in out
    assert grader.left_by(grader.started[0]) == []


def test_json_is_alone_on_stdout_and_is_kept_too(grader: Grader) -> None:
    code, out, err = grader.grade(grader.submission("ada"), "--format", "json", "--candidate", "ada.l")
    card = scorecard(out)
    assert code == 0
    assert card["submission"]["name"] == "ada.l"
    assert err
    (run,) = (grader.place / "state" / "mde-grade" / "runs").iterdir()
    assert json.loads((run / "scorecard.json").read_text())["attempt"] == card["attempt"]
    assert (run / "scorecard.html").read_text().startswith("<!")
    assert (run / "log.txt").stat().st_size > 0


def test_output_gets_every_format(grader: Grader) -> None:
    names = "console,json,junit,markdown,html"
    code, _, err = grader.grade(grader.submission("ada"), "--format", names, "--output", "out", "-q")
    assert (code, [line for line in err.splitlines() if "written" not in line]) == (0, [])
    assert {path.suffix for path in (grader.place / "out").iterdir()} == {".txt", ".json", ".xml", ".md", ".html"}


def test_only_grades_what_is_asked_for_and_what_it_needs(grader: Grader) -> None:
    folder = grader.submission("ada", page="go away")
    code, out, _ = grader.grade(folder, "--only", "served", "--format", "json")
    card = scorecard(out)
    assert code == 0
    assert card["partial"] == ["served"]
    assert grader.grade(folder, "--only", "nothing")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["lab-page", "nowhere"], 2),
        (["lab-pge", "."], 2),
        (["lab-page", ".", "--format", "pdf"], 2),
    ],
)
def test_usage_errors(grader: Grader, arguments: list[str], code: int) -> None:
    labs = Path(__file__).parent / "labs"
    seen, out, err = grader.run(*arguments, "--labs", str(labs))
    assert (seen, out) == (code, "")
    assert len(err.splitlines()) == 2


def test_without_an_engine_it_is_3_and_one_line(grader: Grader) -> None:
    code, out, err = grader.grade(grader.submission("ada"), "-q", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert (code, out) == (3, "")
    first, second = err.splitlines()
    assert "no container engine answers" in first
    assert "doctor" in second


def test_an_invalid_lab_is_4(grader: Grader) -> None:
    lab = grader.place / "labs" / "lab-bad"
    lab.mkdir(parents=True)
    (lab / "lab.yaml").write_text("schema: mde-grade/lab/1\nid: lab-bad\npoints: 3\n")
    code, out, err = grader.run("lab-bad", ".", "--labs", str(grader.place / "labs"))
    assert (code, out) == (4, "")
    assert "lab.yaml" in err


def interrupt(grader: Grader, process: subprocess.Popen[str], number: signal.Signals) -> tuple[float, str, str]:
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return time.monotonic() - began, out, err


def wait_for_line(process: subprocess.Popen[str], text: str) -> list[str]:
    """Read the progress until a line holds the text; the rest is read in the background."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            break
    return lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_checking_it_ends_clean_with_130(grader: Grader, number: signal.Signals) -> None:
    folder = grader.submission("ada", slow=True)
    process = grader.start("lab-page", str(folder), "--labs", str(Path(__file__).parent / "labs"))
    wait_for_line(process, "The page answers with 200.")
    assert grader.left_by(process)
    seconds, out, err = interrupt(grader, process, number)
    assert process.returncode == 130, err
    assert seconds < 10
    assert out == ""
    assert "Traceback" not in err
    assert grader.left_by(process) == []


def test_interrupted_while_building_it_ends_clean_with_130(grader: Grader) -> None:
    token = f"mde-e2e-{time.time_ns()}"
    folder = grader.submission("ada", more=f"RUN : {token}; sleep 50\n")
    process = grader.start("lab-page", str(folder), "--labs", str(Path(__file__).parent / "labs"))

    def building() -> bool:
        return any(token in row["Command"] for row in grader.client.api.containers())

    until(building)
    seconds, _, err = interrupt(grader, process, signal.SIGINT)
    assert process.returncode == 130, err
    assert seconds < 10
    until(lambda: not building(), seconds=3)
    assert grader.left_by(process) == []


def test_a_kept_stack_can_be_looked_at_and_removed(grader: Grader) -> None:
    code, _, err = grader.grade(grader.submission("ada"), "--keep", "-q")
    process = grader.started[0]
    assert code == 0
    look = next(line for line in err.splitlines() if line.startswith("docker exec") and "# web" in line)
    container = look.split()[3]
    assert grader.client.containers.get(container).status == "running"
    code, out, _ = grader.run("clean", "--kept")
    assert code == 0
    assert "removed" in out
    assert container not in {row["Id"][:12] for row in grader.client.api.containers(all=True)}
    assert grader.left_by(process) == []


def test_what_was_killed_is_removed_by_clean(grader: Grader) -> None:
    folder = grader.submission("ada", slow=True)
    process = grader.start("lab-page", str(folder), "--labs", str(Path(__file__).parent / "labs"))
    wait_for_line(process, "The page answers with 200.")
    process.kill()
    process.communicate(timeout=10)
    code, _, err = grader.run("clean")
    assert code == 0, err
    assert grader.left_by(process) == []


def test_a_report_needs_no_engine(grader: Grader) -> None:
    grader.grade(grader.submission("ada"), "-q")
    code, out, _ = grader.run("report", "last", "--format", "markdown", DOCKER_HOST="unix:///nowhere")
    assert code == 0
    assert "A page for the end-to-end tests" in out


def test_in_actions_the_summary_is_written_and_failures_are_annotated(grader: Grader) -> None:
    summary = grader.place / "summary.md"
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    code, out, err = grader.grade(grader.submission("bob", page="::error::mine"), "-q", **actions)
    assert code == 1
    assert "A page for the end-to-end tests" in summary.read_text()
    assert out.startswith("::stop-commands::")
    assert sum(line.startswith("::error") for line in err.splitlines()) == 1


def test_doctor_measures_this_machine(grader: Grader) -> None:
    began = time.monotonic()
    code, out, _ = grader.run("doctor", "--json")
    seconds = time.monotonic() - began
    rows = {row["name"]: row for row in json.loads(out)["findings"]}
    assert code in {0, 3}
    wanted = {
        "engine",
        "memory",
        "pids",
        "log",
        "file",
        "privileges",
        "egress",
        "gateway",
        "cancel",
        "build-file",
        "disk",
    }
    assert wanted < set(rows)
    assert [name for name in wanted if not rows[name]["held"]] == []
    assert seconds < 30  # 6 s on an idle machine; others may be grading beside us
    assert grader.left_by(grader.started[0]) == []


def test_doctor_without_an_engine_says_so(grader: Grader) -> None:
    code, out, _ = grader.run("doctor", "-q", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert code == 3
    assert "no container engine answers" in out
