"""What policies grant, by AWS's own rules of evaluation."""

from __future__ import annotations

from typing import Any

import pytest

from graders.cloud.policies import grants, parsed, trusted

OBJECT = "arn:aws:s3:::files/a/b"


def allow(**words: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", **words}]}


@pytest.mark.parametrize(
    "document",
    [
        allow(Action="s3:GetObject", Resource=OBJECT),
        allow(Action=["s3:PutObject", "s3:GetObject"], Resource=["arn:aws:s3:::files/*"]),
        allow(Action="S3:get*", Resource="*"),
        allow(Action="*", Resource="arn:aws:s3:::file?/*"),
        allow(NotAction="iam:*", Resource="*"),
        allow(Action="s3:*", NotResource="arn:aws:s3:::other/*"),
        allow(Action="s3:GetObject", Resource="*", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    ],
)
def test_granted_however_it_is_written(document: dict[str, Any]) -> None:
    assert grants([document], "s3:GetObject", OBJECT)


@pytest.mark.parametrize(
    "documents",
    [
        [],
        [{}],
        [{"Statement": "words"}],
        [allow(Action="s3:PutObject", Resource="*")],
        [allow(Action="s3:GetObject", Resource="arn:aws:s3:::FILES/*")],
        [allow(Action="s3:GetObject")],
        [allow(NotAction="s3:*", Resource="*")],
        [allow(Action="s3:*", NotResource="arn:aws:s3:::files/*")],
        [allow(Action="*", Resource="*"), {"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}],
    ],
)
def test_not_granted(documents: list[dict[str, Any]]) -> None:
    assert not grants(documents, "s3:GetObject", OBJECT)


def test_a_denial_under_a_condition_is_not_certain() -> None:
    deny = {"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "b"}}}}
    assert grants([allow(Action="*", Resource="*"), deny], "s3:GetObject", OBJECT)


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, ["Service ec2.amazonaws.com"]),
        ({"Principal": {"Service": ["b", "a"], "AWS": "1"}}, ["AWS 1", "Service a", "Service b"]),
        ({"Principal": "*"}, ["AWS *"]),
        ({"NotPrincipal": {"AWS": "1"}}, ["AWS *"]),
        ({}, []),
    ],
)
def test_who_is_trusted(principal: dict[str, Any], who: list[str]) -> None:
    assert trusted(allow(**principal)) == who
    assert trusted({"Statement": [{"Effect": "Deny", **principal}, "words"]}) == []


def test_documents_may_be_text() -> None:
    assert parsed('{"Statement": []}') == {"Statement": []}
    assert parsed("nothing") == parsed("[]") == {}
    assert parsed({"a": 1}) == {"a": 1}
