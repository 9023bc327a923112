"""One check of every type but suites, as a client would describe it."""

from typing import Any

KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # the word in the path: type, what is said, and the defaults of what is not
    "url": (
        "URL",
        {"request": {"url": "https://shop.example"}},
        {"degradedResponseTime": 3000, "maxResponseTime": 5000, "shouldFail": False, "doubleCheck": True},
    ),
    "api": (
        "API",
        {
            "request": {
                "method": "POST",
                "url": "https://shop.example/{{PATH}}",
                "headers": [{"key": "X-Key", "value": "{{KEY}}", "locked": True}],
                "queryParameters": [{"key": "q", "value": "a b", "locked": False}],
                "body": '{"a": 1}',
                "bodyType": "JSON",
                "basicAuth": {"username": "ada", "password": "pw"},
                "followRedirects": True,
                "assertions": [
                    {
                        "source": "JSON_BODY",
                        "property": "$.a",
                        "comparison": "EQUALS",
                        "target": "1",
                        "regex": None,
                    }
                ],
            },
            "localSetupScript": "request.headers.a = 'b'",
        },
        {"degradedResponseTime": 5000, "maxResponseTime": 20000, "setupSnippetId": None},
    ),
    "tcp": (
        "TCP",
        {"request": {"hostname": "db.example", "port": 5432, "data": "ping"}},
        {"degradedResponseTime": 3000, "maxResponseTime": 5000},
    ),
    "dns": (
        "DNS",
        {"request": {"query": "shop.example", "recordType": "AAAA"}},
        {"degradedResponseTime": 500, "maxResponseTime": 1000},
    ),
    "icmp": (
        "ICMP",
        {"request": {"hostname": "shop.example"}},
        {"degradedPacketLossThreshold": 10, "maxPacketLossThreshold": 20},
    ),
    "ssl": (
        "SSL",
        {"request": {"sslConfig": {"hostname": "shop.example"}}},
        {"degradedResponseTime": 3000, "maxResponseTime": 10000},
    ),
    "heartbeat": (
        "HEARTBEAT",
        {"heartbeat": {"period": 1, "periodUnit": "days", "grace": 2, "graceUnit": "hours"}},
        {"muted": False},
    ),
    "browser": ("BROWSER", {"script": "await page.goto('https://shop.example')"}, {"sslCheckDomain": None}),
    "multistep": ("MULTI_STEP", {"script": "test('x', async () => {})"}, {"shouldFail": False}),
}

KEPT_KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # those that are saved and cannot run
    "grpc": (
        "GRPC",
        {
            "request": {
                "url": "grpc.example",
                "port": 50051,
                "grpcConfig": {
                    "mode": "BEHAVIOR",
                    "method": "shop.Cart/Get",
                    "serviceDefinition": "REFLECTION",
                    "message": "{}",
                    "metadata": [{"key": "x-key", "value": "{{KEY}}"}],
                },
                "assertions": [{"source": "GRPC_STATUS_CODE", "comparison": "EQUALS", "target": "0"}],
            }
        },
        {"degradedResponseTime": 10000, "maxResponseTime": 20000, "shouldFail": False},
    ),
    "traceroute": (
        "TRACEROUTE",
        {"request": {"url": "shop.example", "protocol": "UDP", "maxHops": 12}},
        {"degradedResponseTime": 10000, "maxResponseTime": 20000, "request": {"port": 33434, "timeout": 10}},
    ),
}
