"""Wrong passwords are counted by the browser's address, and nobody can say another."""

from __future__ import annotations

import pytest

from label_studio_guard.address import browsers_address


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "address"),
    [
        (False, None, "192.0.2.1"),
        (False, "198.51.100.7", "192.0.2.1"),
        (True, "198.51.100.7", "198.51.100.7"),
        (True, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (True, None, ""),
    ],
)
def test_only_what_our_proxy_wrote_down_counts(
    behind_proxy: bool, forwarded: str | None, address: str
) -> None:
    meta = {"REMOTE_ADDR": "192.0.2.1"} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    assert browsers_address(meta, behind_proxy=behind_proxy) == address
