"""The only place that builds servers and runners out of parts: `dev`, `server` and `runner`."""
