"""What a check does names its type, and a URL monitor holds its request as one part."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REQUEST = ("url", "follow_redirects", "skip_ssl", "ip_family", "assertions")
_CHECKS = sa.table("checks", sa.column("id"), sa.column("type"), sa.column("spec", sa.JSON()))
_RUNS = sa.table("runs", sa.column("id"), sa.column("check_type"), sa.column("material", sa.JSON()))


def upgrade() -> None:
    _change_all(_as_now)


def downgrade() -> None:
    _change_all(_as_before)


def _change_all(change: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
    connection = op.get_bind()
    for check in connection.execute(sa.select(_CHECKS)).all():
        spec = change(check.type, check.spec)
        connection.execute(sa.update(_CHECKS).where(_CHECKS.c.id == check.id).values(spec=spec))
    for run in connection.execute(sa.select(_RUNS)).all():
        material = {**run.material, "spec": change(run.check_type, run.material["spec"])}
        connection.execute(sa.update(_RUNS).where(_RUNS.c.id == run.id).values(material=material))


def _as_now(check_type: str, spec: dict[str, Any]) -> dict[str, Any]:
    if check_type != "URL":
        return {**spec, "type": check_type}
    request = {name: spec[name] for name in _REQUEST if name in spec}
    request["assertions"] = [{"source": "STATUS_CODE", **each} for each in request.get("assertions", ())]
    rest = {name: value for name, value in spec.items() if name not in _REQUEST}
    return {**rest, "request": request, "type": check_type}


def _as_before(check_type: str, spec: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in spec.items() if name not in ("type", "request")}
    if check_type != "URL":
        return rest
    request = {name: spec["request"][name] for name in _REQUEST if name in spec["request"]}
    request["assertions"] = [
        {"comparison": each["comparison"], "target": each["target"]} for each in request.get("assertions", ())
    ]
    return {**rest, **request}
