"""What is mended in gitlab-ci-local is mended wholly or not at all; that it works is shown on the real engine."""

from __future__ import annotations

import pytest

from graders.images.pipeline.mend import HELPERS, PLACES, mended

PROGRAM = "\n".join(("#!/usr/bin/env node", *PLACES))


def test_every_place_is_mended_and_the_helpers_come_first() -> None:
    made = mended(PROGRAM)
    assert made.splitlines()[0] == "#!/usr/bin/env node"
    assert made.splitlines()[1] == HELPERS.strip().splitlines()[0]
    assert all(new in made for new in PLACES.values())
    assert mended("\n".join(PLACES)).startswith(HELPERS.strip())


@pytest.mark.parametrize("place", PLACES)
def test_another_version_is_not_mended_in_part(place: str) -> None:
    for text, count in ((PROGRAM.replace(place, "else"), 0), (f"{PROGRAM}\n{place}", 2)):
        with pytest.raises(ValueError, match=f"^{count} places have"):
            mended(text)
