"""The translation stage: a transcript becomes text in one target language; who speaks it gets the words.

Where a text takes its time, its first sentences go on to tts before the rest is translated.
"""

from __future__ import annotations

from typing import Any

from kombu.exceptions import OperationalError

from bridge.errors import RedisUnavailable
from bridge.languages import same
from bridge.providers import Translator, share
from bridge.tasks import app
from bridge.tasks.partials import look
from bridge.tasks.partials import translation as partial
from bridge.tasks.run import Results, run
from bridge.tasks.tts import synthesize
from bridge.text import join, opening, sentences
from bridge.types import Phrase, Translation, Work

LEAST = 24
"""Characters of the first sentences, and of the rest, from which it pays: a second and a half of speech."""
SHARE = 2 / 3
"""Part of the time of a text that its first sentences may take: all of it takes longer in two calls."""


@app.task(name="translation.translate", resultrepr_maxsize=0, bind=True)
def translate(
    self: Any, message: dict[str, Any], target: str, voice: str | None, speed: float | None = None
) -> dict[str, Any]:
    if message.get("partial"):
        return look("translation", message, partial)
    following = (self.request.chain or [None])[-1]

    def results(provider: Translator, work: Work, pcm: bytes | None) -> Results:
        return _results(provider, work, pcm, spoken=following is not None)

    def ahead(work: Work) -> None:
        options = following["options"]
        where = {
            name: options[name] for name in ("queue", "priority", "argsrepr", "kwargsrepr") if name in options
        }
        try:
            synthesize.apply_async((work.message(),), **where)
        except (OperationalError, OSError) as error:
            raise RedisUnavailable(f"Redis took no work: {error}.", "The segment is sent again.") from error

    asked = {"target": target, "voice": voice} | ({"speed": speed} if speed else {})
    return run("translation", message | asked, results, ahead)


def _results(provider: Translator, work: Work, _: bytes | None, spoken: bool = True) -> Results:
    """`spoken` is whether tts follows."""
    assert work.source is not None and work.target is not None
    kept = same(work.source, work.target)
    if kept:
        yield _whole(Translation(work.text), work)
        # Where the speaker's own voice is heard, or nothing, no other one is asked to repeat it.
        return None if work.floor else work.but(context=())
    skip = work.skip or (_skip(provider, work) if spoken else 0)
    head = Translation(work.head)
    if skip and not work.skip:
        head = provider.translate(_phrase(work, work.text[:skip]))
        if head.text:
            yield {"kind": "head", "text": head.text, "language": work.target, "skip": skip}
            yield work.but(text=head.text, context=())
    rest = provider.translate(_phrase(work, work.text[skip:], work.text[:skip].strip()))
    if not head.text:
        yield _whole(rest, work)
        return work.but(text=rest.text, context=())
    text = join((head.text, rest.text), work.target)
    yield _whole(Translation(text, _confidence(head, rest)), work) | {"skip": skip}
    first = len(sentences(head.text, work.target))
    return work.but(text=text, head=head.text, skip=0, part=1, sentence=first, context=())


def _skip(provider: Translator, work: Work) -> int:
    """The characters of the sentences that are better translated first, 0 where all are done at once."""
    lengths = opening(work.text, work.source, LEAST)
    return lengths[0] if len(lengths) > 1 and share(provider, lengths) <= SHARE else 0


def _phrase(work: Work, text: str, before: str = "") -> Phrase:
    """A part of the text, with what was said before it, as far as that was in the same language."""
    assert work.source is not None and work.target is not None
    told = work.context if not work.prior or same(work.prior, work.source) else ()
    context = (*told, before) if before else told
    return Phrase(text.strip(), work.source, work.target, work.quick, context)


def _whole(translation: Translation, work: Work) -> dict[str, Any]:
    return {
        "kind": "text",
        "text": translation.text,
        "language": work.target,
        "confidence": translation.confidence,
    }


def _confidence(head: Translation, rest: Translation) -> float | None:
    """That of both, by their length; of the rest alone where nobody knows the other any more."""
    known = [(part.confidence, len(part.text)) for part in (head, rest) if part.confidence is not None]
    size = sum(length for _, length in known)
    return sum(value * length for value, length in known) / size if size else None
