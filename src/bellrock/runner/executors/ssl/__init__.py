"""Runs SSL monitors: a TLS handshake, the server's certificate, and a security baseline."""

from bellrock.runner.executors.ssl.executor import SslProbe

__all__ = ["SslProbe"]
