"""`matchTags`: groups of tags, AND inside a group, OR between groups, ``!tag`` for "not"."""

from collections.abc import Collection, Sequence


def matches(groups: Sequence[Sequence[str]], tags: Collection[str]) -> bool:
    """Whether a check with these tags is meant. No groups at all means every check."""
    if not groups:
        return True
    return any(all(_holds(word, tags) for word in group) for group in groups)


def _holds(word: str, tags: Collection[str]) -> bool:
    if word.startswith("!"):
        return word[1:] not in tags
    return word in tags
