"""A made-up catalogue in the format of trn.json and with its dirt: a function of its seed.

A product's kind, brand, colour, material and size stand in its title and decide what its description says, which
is what a model can learn from it. The shares of empty texts, the lengths, the entities, the duplicates and the
target lists are those that people measured on the real file.
"""

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from pathlib import Path

import orjson
from pydantic import BaseModel
from tqdm import tqdm

from data_lake.files import replacing
from tasks import sample_words as words
from tasks.processes import LocalProcesses

BLOCK = 5_000
"""Lines made at a time; a block depends on the seed and its number only."""

# Shares of the real file's 2,248,619 lines: both texts, no title, no content, neither.
_BOTH, _NO_TITLE, _NO_CONTENT = 0.6183, 0.0482, 0.3253
# Characters: the log-normal that fits the real quartiles (37, 54, 75 of titles; 194, 398, 805 of contents), and the maxima.
_TITLE_MEDIAN, _TITLE_SPREAD, _TITLE_MAX = 54, 0.52, 1_999
_CONTENT_MEDIAN, _CONTENT_SPREAD, _CONTENT_MAX = 385, 1.03, 197_622
_KINDS = list(words.KINDS)


class SampleReport(BaseModel):
    """What was written."""

    path: Path
    rows: int
    bytes: int
    """The file's size, packed as it is."""


def write_sample(path: Path, rows: int, seed: int) -> SampleReport:
    """Writes `rows` lines to `path`, atomically; gzip where its name ends in `.gz`.

    The same rows and seed give the same bytes, and a longer catalogue begins with the lines of a shorter one.
    """
    packed = path.suffix == ".gz"
    blocks = [_Block(seed, number, min(BLOCK, rows - number * BLOCK), packed) for number in range(-(-rows // BLOCK))]
    with replacing(path) as partial, open(partial, "wb") as file:
        with tqdm(desc="sample", total=rows, unit="line", unit_scale=True, disable=None) as bar:
            for block, text in zip(blocks, _made(blocks), strict=True):
                file.write(text)
                bar.update(block.rows)
    return SampleReport(path=path, rows=rows, bytes=path.stat().st_size)


@dataclass(frozen=True)
class _Block:
    seed: int
    number: int
    rows: int
    packed: bool


def _made(blocks: list[_Block]) -> Iterator[bytes]:
    if len(blocks) < 10:
        yield from map(make_block, blocks)
        return
    with LocalProcesses() as run_map:
        yield from run_map(make_block, blocks)


def make_block(block: _Block) -> bytes:
    """The lines of one block as UTF-8, or as one gzip member."""
    maker = _Maker(random.Random(f"{block.seed}/{block.number}"))
    first = block.number * BLOCK
    text = b"".join(maker.line(first + at) for at in range(block.rows))
    return zlib.compress(text, level=1, wbits=31) if block.packed else text


class _Maker:
    """Makes lines one after the other from one source of chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._next = chance, chance.random
        self._made: list[tuple[str, str]] = []

    def line(self, number: int) -> bytes:
        share = self._next()
        title, content = self._texts(described=share < _BOTH + _NO_TITLE)
        if share > _BOTH + _NO_TITLE + _NO_CONTENT or _BOTH < share < _BOTH + _NO_TITLE:
            title = ""
        if title and content:
            self._made.append((title, content))
        texts = orjson.dumps({"uid": f"{31_895 + 7 * number:010d}", "title": title, "content": content})
        # Written as the real file is: with a space after each comma and colon.
        texts = texts.replace(b'","title":"', b'", "title": "', 1).replace(b'","content":"', b'", "content": "', 1)
        return b'{"uid": ' + texts[7:-1] + self._targets(number) + b"}\n"

    def _targets(self, number: int) -> bytes:
        count = 1 + min(300, int(self._chance.expovariate(1 / 25)))
        first = max(0, number - 12)
        indices = ", ".join(map(str, range(first, first + 3 * count, 3)))
        return f', "target_ind": [{indices}], "target_rel": [{", ".join(["1.0"] * count)}]'.encode()

    def _texts(self, described: bool) -> tuple[str, str]:
        share = self._next()
        if share < 0.12 and self._made and described:
            return self._alike(self._pick(self._made), share)
        title, facts = self._product()
        if not described:
            return title, ""
        if share > 0.99:
            return title, (title, "Tutu", self._pick(words.BOILERPLATE), self._pick(words.BOILERPLATE))[int(self._next() * 4)]
        return self._soiled(title, self._content(facts))

    def _alike(self, made: tuple[str, str], share: float) -> tuple[str, str]:
        """A product like an earlier one: mostly the same content under a title of its own."""
        title, content = made
        if share < 0.002:
            return made
        if share < 0.004:
            return title, self._content(self._product()[1])
        return f"{title}, Set of {2 + int(self._next() * 97)}", content

    def _product(self) -> tuple[str, dict[str, str]]:
        """A title and the facts that its description tells."""
        kind = self._pick(_KINDS)
        use, parts, materials, colour = words.KINDS[kind]
        facts = {"kind": kind, "use": use, "parts": parts, "material": materials[0], "colour": colour, "size": "medium"}
        facts["brand"], facts["series"] = self._pick(words.BRANDS), f"{self._pick(words.SERIES)} {int(self._next() * 900) + 100}"
        facts["user"] = words.USERS[-1]
        length = self._length(_TITLE_MEDIAN, _TITLE_SPREAD, _TITLE_MAX)
        front, back = [facts["brand"], facts["series"]], [kind.title()]
        if length > 28:
            facts["colour"] = self._pick(words.COLOURS)
            front.append(facts["colour"].title())
        if length > 36:
            facts["material"] = self._pick(materials)
            front.append(facts["material"].title())
        if length > 45:
            facts["user"] = self._pick(words.USERS[:-1])
            back.append(f"for {facts['user'].title()}")
        if length > 60:
            facts["size"] = self._pick(words.SIZES)
            back.append(f"in Size {facts['size'].title()}")
        title = " ".join(front + back)
        extras = (f", with {parts[0].title()}", f" and {parts[1].title()}")
        while len(title) < length - 10:
            extra, *extras = extras or (f", {self._pick(words.QUALITIES).title()} {self._pick(words.PLACES).title()}",)
            title += extra
        return title[:_TITLE_MAX].rstrip(), facts

    def _content(self, facts: dict) -> str:
        """The description: what the title decides first, then sentences of no matter, as long as chance wants it."""
        length = self._length(_CONTENT_MEDIAN, _CONTENT_SPREAD, _CONTENT_MAX)
        text = ""
        for sentence in _told(facts):
            text += sentence
            if len(text) > length - 25:
                return text
            text += " "
        sentences, size = [text.rstrip()], len(text)
        while size < length - 20:
            sentences.append(self._pick(words.PRAISE))
            size += len(sentences[-1]) + 1
        return " ".join(sentences)[:_CONTENT_MAX]

    def _soiled(self, title: str, content: str) -> tuple[str, str]:
        """The texts with the dirt of the real file."""
        chance = self._next()
        if chance < 0.022:
            title = title.replace(" for ", " &amp; ", 1) if " for " in title else f"{title} &#39;s"
        chance = self._next()
        if chance < 0.204:
            for _ in range(1 + int(self._next() * 4)):
                plain, escaped = self._pick(words.ESCAPES)
                content = content.replace(plain, escaped, 2)
            if "&" not in content:
                content += "&nbsp;"
        elif chance < 0.25:
            content = content.replace(". ", ".  ", 3)
        if self._next() < 0.3:
            content += self._pick(words.TRAILERS)
        return title, content

    def _length(self, median: int, spread: float, longest: int) -> float:
        """Characters a text should have: log-normal, with one in a hundred thousand of any length."""
        if self._next() < 1e-5:
            return longest * self._next()
        return min(longest, median * exp(spread * self._chance.gauss(0, 1)))

    def _pick(self, choices):
        return choices[int(self._next() * len(choices))]


def _told(facts: dict) -> Iterator[str]:
    """What a description says of a product, one short sentence after the other."""
    kind, first, second = facts["kind"], *facts["parts"]
    is_, it, comes = ("are", "They", "come") if kind in words.PLURAL else ("is", "It", "comes")
    yield f"The {facts['series']} {kind} {is_} made by {facts['brand']}."
    yield f"{it} {is_} {facts['colour']} and made of {facts['material']}."
    yield f"This {kind} {facts['use']}." if it == "It" else f"These {kind} {facts['use']}."
    yield f"{it} {comes} with {first} and {second}."
    yield f"The size is {facts['size']}, right for {facts['user']}."
    yield words.CARE[facts["material"]]
