"""The arithmetic behind what is claimed about speed."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Iterator, Sequence

import pytest

from benchmarks.__main__ import BENCHMARKS, QUICK, main
from benchmarks.pairs import Ceiling, Ratio, SpoiledError, by_turns, measure, timed
from benchmarks.raw import Agent, reply


class TestRatio:
    def test_ours_over_floor(self) -> None:
        ratio = Ratio("x", 0.2, 0.3, goal=1.6, speedup=False, pairs=20)
        assert ratio.value == pytest.approx(1.5)
        assert ratio.met

    def test_a_speedup_is_floor_over_ours(self) -> None:
        ratio = Ratio("x", 0.3, 0.01, goal=30, speedup=True, pairs=20)
        assert ratio.value == pytest.approx(30)

    @pytest.mark.parametrize(
        ("ours", "speedup", "met"),
        [(1.0, False, True), (1.1, False, True), (1.2, False, False), (0.5, True, True), (1.0, True, False)],
    )
    def test_the_goal(self, ours: float, speedup: bool, met: bool) -> None:
        assert Ratio("x", 1.0, ours, goal=1.1, speedup=speedup, pairs=1).met is met

    def test_the_line_tells_the_goal_and_whether_it_is_met(self) -> None:
        line = Ratio("name", 0.001, 0.002, goal=1.5, speedup=False, pairs=20).line()
        assert line.startswith("name ")
        assert "floor      1.00 ms" in line
        assert "ours      2.00 ms" in line
        assert "ratio   2.00 (goal <= 1.5, NOT MET; 20 pairs)" in line

    def test_the_line_of_a_speedup(self) -> None:
        assert "ratio  40.00 (goal >= 30, met; 3 pairs)" in Ratio("x", 0.04, 0.001, 30, speedup=True, pairs=3).line()


class TestCeiling:
    @pytest.mark.parametrize(
        ("ours", "goal", "met"), [(119.0, 120.0, True), (120.0, 120.0, True), (121.0, 120.0, False), (9e9, None, True)]
    )
    def test_the_goal(self, ours: float, goal: float | None, met: bool) -> None:
        assert Ceiling("x", ours, goal, "MB", 3).met is met

    def test_the_line_of_a_time(self) -> None:
        line = Ceiling("name", 0.6, 0.55, "s", 20, floor=0.4).line()
        assert "floor     0.400 s   ours     0.600 s   ratio   1.50   (goal <= 0.55 s, NOT MET; 20 runs)" in line

    def test_the_line_of_memory(self) -> None:
        line = Ceiling("name", 71.26, 120, "MB", 3).line()
        assert "ours      71.3 MB   (goal <= 120 MB, met; 3 runs)" in line
        assert "floor" not in line

    def test_a_value_without_a_goal_is_told_only(self) -> None:
        assert "(told only; 3 runs)" in Ceiling("name", 1.0, None, "s", 3).line()


class Recorder:
    """Notes who was called, and takes its time."""

    def __init__(self) -> None:
        self.calls = ""

    def floor(self) -> None:
        self.calls += "f"

    def ours(self) -> None:
        self.calls += "o"


class TestTurns:
    def test_each_warms_up_once_and_then_they_take_turns_in_going_first(self) -> None:
        recorder = Recorder()
        by_turns(recorder.floor, recorder.ours, 3)
        assert recorder.calls == "of" + "of" + "fo" + "of"

    def test_a_turn_that_the_engine_spoils_is_made_again(self, capsys: pytest.CaptureFixture[str]) -> None:
        spoilt = iter([SpoiledError("the removal did not come"), None])

        def action() -> None:
            if error := next(spoilt):
                raise error

        assert timed(action) < 1
        assert "the removal did not come" in capsys.readouterr().err

    def test_an_engine_that_stays_stuck_ends_the_measurement(self) -> None:
        def action() -> None:
            raise SpoiledError("stuck")

        with pytest.raises(SpoiledError):
            timed(action)

    def test_the_warm_up_is_not_measured(self) -> None:
        naps = iter([0.05, 0.0, 0.0, 0.0])
        floor, ours = by_turns(lambda: None, lambda: time.sleep(next(naps)), 3)
        assert floor < 0.02
        assert ours < 0.02

    def test_medians_not_means(self) -> None:
        naps = iter([0.0, 0.0, 0.1, 0.0])
        _, ours = by_turns(lambda: None, lambda: time.sleep(next(naps)), 3)
        assert ours < 0.03  # the mean is more

    @pytest.mark.parametrize("pairs", [0, -1])
    def test_nothing_is_measured_by_no_pairs(self, pairs: int) -> None:
        with pytest.raises(ValueError, match="at least one"):
            by_turns(lambda: None, lambda: None, pairs)

    def test_what_fails_is_not_a_figure(self) -> None:
        def broken() -> None:
            raise RuntimeError("no engine")

        with pytest.raises(RuntimeError, match="no engine"):
            measure("x", lambda: None, broken, pairs=2, goal=1)

    def test_a_ratio_holds_what_was_measured(self) -> None:
        ratio = measure("x", lambda: time.sleep(0.02), lambda: None, pairs=3, goal=10, speedup=True)
        assert (ratio.name, ratio.pairs, ratio.speedup) == ("x", 3, True)
        assert ratio.floor >= 0.02
        assert ratio.met

    def test_timed(self) -> None:
        assert 0.02 <= timed(lambda: time.sleep(0.02)) < 1


class TestCommand:
    def asked(self, arguments: Sequence[str], ours: float = 1.0) -> tuple[int, list[tuple[str, int]]]:
        seen: list[tuple[str, int]] = []

        def runner(name: str, value: float) -> object:
            def run(pairs: int) -> list[Ceiling]:
                seen.append((name, pairs))
                return [Ceiling(name, value, 1.0, "s", pairs)]

            return run

        table = {"good": (runner("good", 1.0), 20), "other": (runner("other", ours), 2)}
        return main(arguments, table), seen  # type: ignore[arg-type]

    def test_all_when_none_is_named(self) -> None:
        assert self.asked([]) == (0, [("good", 20), ("other", 2)])

    def test_a_missed_goal_is_told_by_the_exit_code(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.asked([], ours=1.1)[0] == 1
        first, second = capsys.readouterr().out.splitlines()
        assert "NOT MET" not in first
        assert "NOT MET" in second

    def test_only_what_is_named_counts(self) -> None:
        assert self.asked(["good"], ours=1.1) == (0, [("good", 20)])

    def test_quick_never_measures_more(self) -> None:
        assert self.asked(["--quick"])[1] == [("good", QUICK), ("other", 2)]

    def test_an_unknown_name_is_refused(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="2"):
            self.asked(["god"])
        assert "there is no benchmark “god”; there are: good, other" in capsys.readouterr().err

    def test_every_claim_has_its_benchmark(self) -> None:
        assert set(BENCHMARKS) == {"startup", "facts", "trivial", "attempt", "memory", "cycle"}
        assert BENCHMARKS["attempt"][1] >= 20


def framed(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


class TestAgent:
    """The floor's own conversation with a side container; a floor that misreads answers measures nothing."""

    @pytest.fixture
    def ends(self) -> Iterator[tuple[Agent, socket.socket]]:
        near, far = socket.socketpair()
        agent = Agent(near)
        yield agent, far
        agent.close()
        far.close()

    def test_answers_find_their_questions_in_any_order_and_in_pieces(self, ends: tuple[Agent, socket.socket]) -> None:
        agent, far = ends
        first, second = agent.send("one"), agent.send("two", url="u")
        asked = [json.loads(line) for line in far.recv(65_536).splitlines()]
        assert [(each["op"], each["seconds"]) for each in asked] == [("one", 10.0), ("two", 10.0)]
        assert asked[1]["url"] == "u"
        lines = b"".join(
            json.dumps({"id": each["id"], "ok": {"n": each["id"]}}).encode() + b"\n" for each in asked[::-1]
        )
        for piece in (framed(2, b"a word on stderr\n"), framed(1, lines[:10]), framed(1, lines[10:])):
            for byte in piece:
                far.sendall(bytes([byte]))
        assert first.get(timeout=5)["ok"] == {"n": asked[0]["id"]}
        assert second.get(timeout=5)["ok"] == {"n": asked[1]["id"]}

    def test_a_value_is_sent_as_json(self, ends: tuple[Agent, socket.socket]) -> None:
        agent, far = ends
        agent.start_http("POST", "http://web/", json={"a": 1})
        asked = json.loads(far.recv(65_536))
        assert asked["headers"] == {"Content-Type": "application/json"}
        assert json.loads(base64.b64decode(asked["body"])) == {"a": 1}

    def test_no_answer_is_status_zero(self) -> None:
        assert reply({"error": {"kind": "refused", "message": ""}}) == (0, b"", {})

    def test_an_answer_about_http(self) -> None:
        body = base64.b64encode(b"x").decode()
        assert reply({"ok": {"status": 200, "body": body, "headers": [["X-Up", "a"]]}}) == (200, b"x", {"x-up": "a"})
