"""What this version keeps and does not act on is shown as that, with nothing to press."""

from tests.support.api_client import EU, Api


async def test_kept_checks_and_things_are_shown_as_not_supported(api: Api) -> None:
    assert api.account
    request = {"url": "grpc.example", "port": 50051}
    made = await api.post("/v1/checks/grpc", {"name": "Remote <call>", "locations": [EU], "request": request})
    await api.post("/v1/dashboards", {"header": "The board"})
    await api.post("/v1/alert-channels", {"type": "EMAIL", "config": {"address": "a@example.org"}})
    await api.http.post("/login", data={"key": api.account.key}, headers={"Origin": api.server.url})
    shown = (await api.http.get("/checks")).text
    assert "Remote &lt;call&gt;" in shown
    assert "Not supported here: kept, and not run by this version" in shown
    assert f"/checks/{made['id']}/schedule" not in shown
    assert "The board" in shown
    assert "EMAIL" in shown
    assert "a@example.org" not in shown
