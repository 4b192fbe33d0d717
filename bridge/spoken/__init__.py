"""What a voice is given in place of a written text: what stands in digits and signs, as people read it aloud.

Captions keep the text as it was written. What nobody reads aloud (Markdown, emoji, characters that cannot be
seen, letters of a script that the language is not written in) is left out, because voices spell it as noise.
"""

from __future__ import annotations

from bridge.spoken import amounts, marks, numbers
from bridge.spoken.scripts import own_script
from bridge.spoken.words import words
from bridge.text import INVISIBLE, clean

LONGEST = 20_000
"""Characters of a text; nobody waits for the end of a longer one, which takes a voice 20 minutes."""


def spoken(text: str, language: str) -> str:
    """`text` as a voice of `language`, a BCP-47 tag, should get it; empty where there is nothing to say.

    A language without an entry in data/spoken.toml keeps digits and the usual signs, which its voice reads.
    """
    table = words(language)
    said = own_script(marks.plain(INVISIBLE.sub("", text[:LONGEST]), table), language)
    said = marks.short(said, table)
    said = amounts.dates(said, table)
    said = amounts.times(said, table)
    said = amounts.money(said, table)
    said = amounts.fractions(said, table)
    said = amounts.units(said, table)
    said = numbers.ordinals(said, table)
    said = numbers.powers(said, table)
    said = numbers.plain(said, table)
    said = marks.signs(said, table)
    return marks.tidy(clean(said))
