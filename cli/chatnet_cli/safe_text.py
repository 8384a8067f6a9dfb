r"""Text from others, made safe to print on a terminal.

A message, and a name, is written by somebody else. Printed as it is, it could move the cursor, recolour the screen,
set the window's title, reverse what one reads, or look like a line that somebody else said. So nothing that came from
the network reaches text output but through here: whatever a terminal acts upon is shown as ``\x1b`` or ``\u202e``.
JSON output does not need this, since all of it is escaped already.
"""

_C0_AND_DELETE = [*range(0x20), 0x7F]
_C1 = range(0x80, 0xA0)
_LINE_AND_PARAGRAPH_SEPARATOR = [0x2028, 0x2029]
_BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""All characters with the Unicode property Bidi_Control (UAX #9)."""
_DEPRECATED_FORMAT = range(0x206A, 0x2070)

CONTINUATION = " " * 8
"""Before each further line of a message: no line of a listing starts like that."""


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_NAME = {
    code: _escape(code)
    for group in (_C0_AND_DELETE, _C1, _LINE_AND_PARAGRAPH_SEPARATOR, _BIDI, _DEPRECATED_FORMAT)
    for code in group
}
_BODY = {code: shown for code, shown in _NAME.items() if code not in (ord("\t"), ord("\n"))}


def safe_name(name: str) -> str:
    """A name or any other text that belongs on one line: no control of any sort is left."""
    return _whole(name).translate(_NAME)


def safe_body(body: str) -> str:
    """A message's text: newlines stay, but each further line is indented; tabs stay."""
    return _whole(body).translate(_BODY).replace("\n", "\n" + CONTINUATION)


def _whole(text: str) -> str:
    """Half characters, which no output can encode, become ``\\ud800``."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
