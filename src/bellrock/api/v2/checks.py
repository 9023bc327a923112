"""Checks in version 2, which no longer says the project flat."""

from fastapi import APIRouter

from bellrock.api.bodies.checks import AnyCheck, check_body
from bellrock.api.check_reading import add_list, add_one

router = APIRouter(prefix="/v2/checks", tags=["Checks"])
add_list(router, AnyCheck, check_body)
add_one(router, AnyCheck, check_body)
