"""A server says of itself whether its hot modules are compiled, and it is what the tests are that started it."""

import json

from chatnet_cli.serving import is_compiled
from tests.e2e.processes import Chatnet

SAID = "modules that every message passes are compiled"


def test_a_program_is_told_by_the_line_that_says_where_the_server_listens(chatnet: Chatnet) -> None:
    assert chatnet.server is not None
    assert json.loads(chatnet.server.out.seen[0])["compiled"] is is_compiled()


def test_a_person_is_told_only_if_they_are(alone: Chatnet) -> None:
    server = alone.start("serve", "--bind", "chatnet+tcp://127.0.0.1:0")
    server.err.until("Ctrl-C stops")
    assert any(SAID in line for line in server.err.seen) == is_compiled()
