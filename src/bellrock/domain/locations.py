"""Where checks can run: the contract's public locations. Private ones are known by their runners."""

from collections.abc import Collection, Iterable

from bellrock.domain.errors import Invalid

PUBLIC_LOCATIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-west-1", "eu-central-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1"),
    *("me-south-1", "ap-southeast-1", "ap-northeast-1", "ap-east-1", "ap-southeast-2"),
    *("ap-southeast-3", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "af-south-1"),
)


def refuse_unknown_locations(wanted: Iterable[str], *, served: Collection[str], field: str) -> None:
    """Raise Invalid, naming the field and what is allowed, unless every location is known.

    ``served`` are the others that may be used: those that a runner has ever introduced itself with, and
    the account's private ones.
    """
    known = {*PUBLIC_LOCATIONS, *served}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise Invalid(
            f"{field}: unknown location {', '.join(map(repr, unknown))}. "
            f"Allowed are {', '.join(sorted(known))}."
        )
