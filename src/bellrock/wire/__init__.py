"""The messages between control plane and runners: their shapes, subjects and version."""
