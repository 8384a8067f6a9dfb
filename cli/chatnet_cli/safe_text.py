r"""Text from others, made safe to print on a terminal.

A message, and a name, is written by somebody else. Printed as it is, it could move the cursor, recolour the screen,
set the window's title, reverse what one reads, hide a part of it, or look like a line that somebody else said. So
nothing that came from the network reaches text output but through here: whatever a terminal acts upon, or does not
show, is written out as ``\x1b`` or ``\u202e``. Some characters that are not seen belong to what people write: those
that join or split letters of scripts that need it, and the parts of an emoji. They stay where they make sense, and
nowhere else. Marks stay on the letter before them, as many as a language puts there.

What this cannot do: a long line that the terminal wraps may be made to look like two.
JSON output does not need any of it, since all of it is escaped already (`chatnet_cli.output.as_json`).
"""

import re
import unicodedata
from functools import cache

_C0_AND_DELETE = [*range(0x20), 0x7F]
_C1 = range(0x80, 0xA0)
_LINE_AND_PARAGRAPH_SEPARATOR = [0x2028, 0x2029]
_BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""All characters with the Unicode property Bidi_Control (UAX #9)."""
_DEPRECATED_FORMAT = range(0x206A, 0x2070)

CONTINUATION = " " * 8
"""Before each further line of a message: no line of a listing starts like that."""
MOST_MARKS = 6
"""Combining marks on one letter; Hebrew with all its points and accents has five, a flood that hides lines has many."""


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_NAME = {
    code: _escape(code)
    for group in (_C0_AND_DELETE, _C1, _LINE_AND_PARAGRAPH_SEPARATOR, _BIDI, _DEPRECATED_FORMAT)
    for code in group
}
_BODY = {code: shown for code, shown in _NAME.items() if code not in (ord("\t"), ord("\n"))}

# -- what is not seen -----------------------------------------------------------------------------------------

_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The property Default_Ignorable_Code_Point (DerivedCoreProperties.txt of Unicode 16) but for those above, and the
other format characters (Cf) that leave no trace."""
_JOINERS = "\u200c\u200d"
_SELECTOR = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_IDEOGRAPH = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_JOINED = "\u0620-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff\u1820-\u18af\ua840-\ua877"
"""Scripts in which ZWJ and ZWNJ change what is written: Arabic to Sinhala, Burmese, Khmer, Mongolian, 'Phags-pa."""


@cache
def _unseen() -> re.Pattern[str]:
    """Every character that is not seen, or as ``kept`` one that makes sense where it is. Most runs never need it."""
    return re.compile(
        "(?P<kept>"
        "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"  # the flag of a region (UTS #51)
        "|[0-9#*]\ufe0f(?=\u20e3)"  # a key
        f"|(?<=[{_EMOJI}{_IDEOGRAPH}])[{_SELECTOR}]"  # the form of an emoji or ideograph
        f"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"  # an emoji made of several
        f"|(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
        f")|[{_INVISIBLE}]"
    )


def safe_name(name: str) -> str:
    """A name or any other text that belongs on one line: no control of any sort is left."""
    return name.translate(_NAME) if name.isascii() else _seen(_whole(name)).translate(_NAME)


def safe_body(body: str) -> str:
    """A message's text: newlines stay, but each further line is indented; tabs stay."""
    shown = body.translate(_BODY) if body.isascii() else _seen(_whole(body)).translate(_BODY)
    return shown.replace("\n", "\n" + CONTINUATION)


def _whole(text: str) -> str:
    """Half characters, which no output can encode, become ``\\ud800``."""
    return text.encode(errors="backslashreplace").decode()


def _seen(text: str) -> str:
    return _without_floods(_unseen().sub(lambda match: match["kept"] or _escape(ord(match[0])), text))


def _without_floods(text: str) -> str:
    """Marks that have no letter before them, which would change what chatnet itself prints, and too many on one."""
    shown, marks = [], MOST_MARKS
    for char in text:
        if char > "\u02ff" and unicodedata.category(char) in ("Mn", "Me"):
            marks += 1
            shown.append(char if marks <= MOST_MARKS else _escape(ord(char)))
            continue
        shown.append(char)
        if char not in _JOINERS:  # those that are left stand within a word
            # What is not printed as it is, or prints nothing, carries no mark either.
            marks = 0 if char.isprintable() and not char.isspace() else MOST_MARKS
    return "".join(shown)


# -- the last gate --------------------------------------------------------------------------------------------

_OWN_STYLE = re.compile(r"(\x1b\[[012]m)")
"""What `chatnet_cli.output.Style` writes."""


def neutral(line: str) -> str:
    """What is about to be printed, without any control that is not chatnet's own.

    Each piece from elsewhere went through `safe_name` or `safe_body` before; this is for the one that was forgotten.
    """
    if line.isprintable():
        return line
    pieces = _OWN_STYLE.split(line)
    return "".join(piece if i % 2 else piece.translate(_BODY) for i, piece in enumerate(pieces))
