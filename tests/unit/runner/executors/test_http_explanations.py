"""What libcurl says of a failed request, told apart by what the operating system said."""

import errno

import pycurl
import pytest

from bellrock.runner.executors.http.failures import explain
from bellrock.runner.executors.http.hop import Hop


@pytest.mark.parametrize(
    ("said", "code"), [(errno.ECONNRESET, "CONNECTION_LOST"), (errno.ECONNREFUSED, "CONNECTION_FAILED")]
)
def test_a_connection_that_was_reset_before_libcurl_looked_was_lost_and_not_refused(
    said: int, code: str
) -> None:
    hop = Hop(error=(pycurl.E_COULDNT_CONNECT, "Could not connect to server"), errno=said)
    assert explain(hop, is_redirected=False, timeout_s=1).code == code
