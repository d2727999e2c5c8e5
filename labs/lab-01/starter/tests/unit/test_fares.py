import pytest

from ferry.fares import FareError, euros, price


def test_a_passenger():
    assert price(1) == 1250


def test_a_family_with_bikes():
    assert price(2, 3, 4) == 2 * 1250 + 3 * 600 + 4 * 300


@pytest.mark.parametrize(
    ("adults", "children", "cents"), [(9, 0, 11250), (10, 0, 10625), (4, 6, 7310)]
)
def test_a_group_pays_less(adults, children, cents):
    assert price(adults, children) == cents


def test_bikes_are_no_part_of_a_group():
    assert price(10, 0, 2) == 10625 + 600


@pytest.mark.parametrize("wanted", [(0, 0, 0), (0, 0, 2), (-1, 3, 0), (1, -1, 0), (1, 0, -1)])
def test_nobody_is_sold_such_a_ticket(wanted):
    with pytest.raises(FareError):
        price(*wanted)


@pytest.mark.parametrize(
    ("cents", "text"), [(1250, "12.50 EUR"), (5, "0.05 EUR"), (10000, "100.00 EUR")]
)
def test_cents_on_a_ticket(cents, text):
    assert euros(cents) == text
