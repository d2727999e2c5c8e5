"""The jobs that a GitHub matrix stands for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from graders.pipelines.expressions import ExpressionError, UnknownError, filled
from graders.pipelines.places import Place

MOST = 256
"""Jobs that one matrix may make, as GitHub has it."""


def combinations(job: Place, contexts: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The values of `matrix` in each job that a job's strategy makes: one without any for a job without a matrix.

    Args:
        job: The job.
        contexts: What its expressions may name.

    Returns:
        None when the matrix is known only while the pipeline runs.

    Raises:
        RefusedError: The platform would not take it.
    """
    place = job.child("strategy").child("matrix")
    try:
        data = _worked_out(place.data, contexts)
    except UnknownError:
        return None
    except ExpressionError as error:
        place.refuse("pipeline.invalid", f"has an expression that {error}", "mend the expression")
    if data is None:
        return [{}]
    if not isinstance(data, Mapping):
        place.wrong("a mapping of lists")
    axes = {key: value for key, value in data.items() if key not in {"include", "exclude"}}
    for key, value in axes.items():
        if not isinstance(value, list) or not value:
            place.child(key).refuse("pipeline.invalid", "is no list of values", "write a list")
    _insist_on_few(place, axes)
    found = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())] if axes else []
    found = [one for one in found if not any(_fits(left_out, one) for left_out in _maps(place, data, "exclude"))]
    found = _included(found, _maps(place, data, "include"), tuple(axes))
    if not found:
        place.refuse("pipeline.invalid", "makes no job at all", "leave a combination in it")
    return found


def _insist_on_few(place: Place, axes: Mapping[str, list[Any]]) -> None:
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MOST:
        place.refuse("pipeline.invalid", f"makes more than {MOST} jobs", "take values out")


def _included(found: list[dict[str, Any]], more: list[dict[str, Any]], axes: tuple[str, ...]) -> list[dict[str, Any]]:
    """What `include` adds to: all combinations of which it changes no value of their own, or else a new one."""
    own = [dict(one) for one in found]
    extra: list[dict[str, Any]] = []
    for entry in more:
        fitting = [
            index
            for index, one in enumerate(found)
            if all(one[key] == value for key, value in entry.items() if key in axes and key in one)
        ]
        for index in fitting:
            own[index] |= entry
        if not fitting:
            extra.append(dict(entry))
    return [*own, *extra][:MOST]


def _maps(place: Place, data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = data.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        place.child(key).wrong("a list of mappings")
    return [dict(one) for one in value]


def _fits(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    return all(key in whole and whole[key] == value for key, value in part.items())


def _worked_out(data: Any, contexts: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON values
    if isinstance(data, str):
        return filled(data, contexts) if "${{" in data else data
    if isinstance(data, list):
        return [_worked_out(one, contexts) for one in data]
    if isinstance(data, Mapping):
        return {key: _worked_out(value, contexts) for key, value in data.items()}
    return data
