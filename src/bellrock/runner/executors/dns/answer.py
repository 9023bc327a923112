"""A response as the contract shows it: as JSON and as text."""

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.TXT

MOST_RECORDS = 500
MOST_TEXT_CHARS = 64 * 1024

JsonObject = dict[str, object]


def status(response: dns.message.Message) -> str:
    """The response code's name: NOERROR, NXDOMAIN, SERVFAIL."""
    return dns.rcode.to_text(response.rcode())


def as_json(response: dns.message.Message) -> JsonObject:
    """The contract's JSON answer. Names end with a dot, ``TTL`` is in seconds, ``data`` a text."""
    return {
        "Answer": [
            {
                "name": records.name.to_text(),
                "type": dns.rdatatype.to_text(records.rdtype),
                "TTL": records.ttl,
                "data": _data(record),
            }
            for records in response.answer
            for record in records
        ],
        "Question": [
            {"name": each.name.to_text(), "type": dns.rdatatype.to_text(each.rdtype)}
            for each in response.question
        ],
        "Status": status(response),
        "TC": bool(response.flags & dns.flags.TC),
        "RD": bool(response.flags & dns.flags.RD),
        "RA": bool(response.flags & dns.flags.RA),
        "AD": bool(response.flags & dns.flags.AD),
        "CD": bool(response.flags & dns.flags.CD),
    }


def for_result(answer: JsonObject, text: str) -> JsonObject:
    """Both, without what is too much for a result: a hostile answer unpacks to many times its size."""
    records = answer["Answer"]
    assert isinstance(records, list)  # noqa: S101 - as `as_json` made it
    return {
        "json": {**answer, "Answer": records[:MOST_RECORDS]},
        "text": text[:MOST_TEXT_CHARS],
        "isTruncated": len(records) > MOST_RECORDS or len(text) > MOST_TEXT_CHARS,
    }


def as_text(response: dns.message.Message) -> str:
    """The whole response as zone files write it, without its id: that is another one every time."""
    return "\n".join(line for line in response.to_text().splitlines() if not line.startswith("id "))


def _data(record: dns.rdata.Rdata) -> str:
    """As zone files write it, except that a text is said without quotes and in one piece."""
    if isinstance(record, dns.rdtypes.ANY.TXT.TXT):
        return b"".join(record.strings).decode("utf-8", errors="backslashreplace")
    return record.to_text()
