"""Live results for command lines of the contract: a small MQTT broker at the server's root, by WebSocket.

Only what such a client does is understood: it connects with a key, subscribes to the results of a test
session that it is about to start, and publishes nothing.
"""

from bellrock.api.mqtt.route import router

__all__ = ["router"]
