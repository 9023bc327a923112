"""For clients of our servers, which speak plain HTTP."""

import ssl

TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""What such a client verifies with. By default each reads all the machine's authorities first: 40 ms of work.

Whatever a test asks again and again it asks with a new client.
"""
