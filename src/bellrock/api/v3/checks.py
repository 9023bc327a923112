"""Checks in version 3, where an intent has constraints."""

from fastapi import APIRouter

from bellrock.api.bodies.checks import AnyCheckV3, check_body_v3
from bellrock.api.check_reading import add_list, add_one

router = APIRouter(prefix="/v3/checks", tags=["Checks"])
add_list(router, AnyCheckV3, check_body_v3)
add_one(router, AnyCheckV3, check_body_v3)
