import pytest

# The suites live in the package, where pytest does not explain what an assert compared unless it is told to.
for suite in ("driver", "accounts", "accounts_model", "files", "files_model", "conformance"):
    pytest.register_assert_rewrite(f"chatnet.testing.store_{suite}")
