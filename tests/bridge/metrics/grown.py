"""By how much series grew: the values are those of the whole process, so a test reads differences."""

from __future__ import annotations

from prometheus_client import REGISTRY


class Grown:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._before = _values()

    def __call__(self, sample: str, **labels: str) -> float:
        """The growth of all samples of that name that carry these labels."""
        now = _values()
        return sum(
            value - self._before.get(key, 0.0)
            for key, value in now.items()
            if key[0] == sample and labels.items() <= dict(key[1]).items()
        )


def _values() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }
