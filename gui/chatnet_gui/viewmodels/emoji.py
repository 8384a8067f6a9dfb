"""The emoji that the picker offers: single code points only, which every part of Tk draws and deletes as one."""

EMOJI: tuple[tuple[str, str], ...] = (
    ("😀", "grin"), ("😂", "laughing tears"), ("😊", "smile"), ("😉", "wink"), ("😍", "love eyes"),
    ("😎", "cool sunglasses"), ("🤔", "thinking"), ("😐", "neutral"), ("😢", "sad cry"), ("😭", "crying"),
    ("😡", "angry"), ("😱", "scream shock"), ("😴", "sleep tired"), ("🥳", "party"), ("🤗", "hug"),
    ("🙄", "eyes roll"), ("👍", "thumbs up yes"), ("👎", "thumbs down no"), ("👏", "clap"), ("🙏", "please thanks"),
    ("💪", "strong"), ("👋", "wave hello bye"), ("👀", "look eyes"), ("🎉", "celebrate tada"), ("🔥", "fire"),
    ("⭐", "star"), ("✨", "sparkles"), ("💡", "idea light"), ("💯", "hundred"), ("✅", "done check"),
    ("❌", "wrong cross"), ("❓", "question"), ("🚀", "rocket"), ("🐛", "bug"), ("☕", "coffee"),
    ("🍕", "pizza"), ("🎂", "birthday cake"), ("🌞", "sun"), ("🌙", "moon night"), ("💙", "blue heart"),
)  # fmt: skip
"""Each with the words under which it is found."""


def find(words: str) -> tuple[str, ...]:
    """The emoji whose words have all these in them; all emoji for no words."""
    wanted = words.casefold().split()
    return tuple(emoji for emoji, names in EMOJI if all(word in names for word in wanted))
