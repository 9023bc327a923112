"""The nervous system: a message bus with a work queue per location, and the server behind it."""
