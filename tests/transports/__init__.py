import pytest

# The suites live in the package, where pytest does not explain what an assert compared unless it is told to.
pytest.register_assert_rewrite("chatnet.testing.transport_conformance", "chatnet.testing.listener_conformance")
