import pytest

from parceldesk import tariff


def test_the_lightest_step():
    assert tariff.price(tariff.STEPS, 1) == 390


def test_a_step_includes_its_own_limit():
    assert tariff.price(tariff.STEPS, 1_000) == 490


def test_what_is_too_heavy_is_refused():
    with pytest.raises(ValueError):
        tariff.price(tariff.STEPS, 31_501)
