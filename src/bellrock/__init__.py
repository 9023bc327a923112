"""Bellrock: self-hosted synthetic monitoring whose sessions can be watched and stopped."""

__version__ = "0.1.0"
