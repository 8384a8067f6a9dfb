import pytest

# The suites live in the package, where pytest does not explain what an assert compared unless it is told to.
pytest.register_assert_rewrite("chatnet.testing.store_conformance")
