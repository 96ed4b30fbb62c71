"""A server on loopback that speaks Anthropic's wire format, for tests without a network and without a bill.

    from tierwise.testing import Fault, MessagesServer

    with MessagesServer(answers={"haiku": "no JSON", "sonnet": '{"ok": true}'}) as server:
        server.then(Fault.error(529), Fault.reset())      # what the next two requests meet
        client = server.client()                           # a real anthropic.Anthropic
        ...
        assert server.cost_usd < 0.01 and len(server.calls) == 4

As a pytest fixture:

    @pytest.fixture
    def claude():
        with MessagesServer() as server:
            yield server

Needs the extra `testing` (anthropic, h11).
"""

from ._answers import Answer, Fault
from ._calls import Call, tokens_in
from .server import MessagesServer

__all__ = ["Answer", "Call", "Fault", "MessagesServer", "tokens_in"]
