<% if application == "parcels" %>
import pytest

from parceldesk import tariff


def test_the_lightest_step():
    assert tariff.price(tariff.STEPS, 1) == 390


def test_a_step_includes_its_own_limit():
    assert tariff.price(tariff.STEPS, 1_000) == 490


def test_what_is_too_heavy_is_refused():
    with pytest.raises(ValueError):
        tariff.price(tariff.STEPS, 31_501)
<% else %>
import pytest

from lendingdesk import fees


def test_what_is_included():
    assert fees.price(fees.TERMS, 1) == fees.price(fees.TERMS, 14) == 120


def test_a_week_that_is_begun_is_paid():
    assert fees.price(fees.TERMS, 15) == fees.price(fees.TERMS, 21) == 165


def test_what_is_too_long_is_refused():
    with pytest.raises(ValueError):
        fees.price(fees.TERMS, 85)
<% endif %>
