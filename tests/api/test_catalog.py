"""What anybody may know without a key."""

import pytest

from tests.support.api_client import Api


@pytest.mark.parametrize("family", ["static-ips", "static-ipv6s"])
async def test_no_address_is_promised_that_checks_come_from(nobody: Api, family: str) -> None:
    assert await nobody.get(f"/v1/{family}") == []
    assert await nobody.get(f"/v1/{family}-by-region") == {}
    answer = await nobody.request("GET", f"/v1/{family}.txt")
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_every_location_is_a_region_with_a_name(nobody: Api) -> None:
    locations = await nobody.get("/v1/locations")
    assert len({each["region"] for each in locations}) == len(locations) >= 22
    assert all(each["name"] for each in locations)
