"""Why a server or a runner does not start, as a sentence for the person who started it."""


class CannotStart(Exception):
    """The message says what is wrong and what to do about it."""
