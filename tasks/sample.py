"""A made-up catalogue in the format of trn.json and with its dirt: a function of its seed.

A product's kind, brand, colour, material and size stand in its title and decide what its description says, which
is what a model can learn from it. The shares of empty texts, the lengths, the entities, the duplicates and the
target lists are those that people measured on the real file.
"""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel
from tqdm import tqdm

from data_lake.files import replacing
from tasks import sample_words as words
from tasks.processes import LocalProcesses

_FEW_BLOCKS = 8
"""Blocks that are made sooner in this process than others are started."""
BLOCK = 5_000
"""Lines made at a time; a block depends on the seed and its number only."""

# Shares of the real file's 2,248,619 lines: both texts, no title, no content, neither.
_BOTH, _NO_TITLE, _NO_CONTENT = 0.6183, 0.0482, 0.3253
# Characters: the log-normals that fit the real quartiles (titles 37, 54, 75; contents 194, 398, 805), and the maxima.
_TITLE_MEDIAN, _TITLE_SPREAD, _TITLE_MAX = 54, 0.52, 1_999
_CONTENT_MEDIAN, _CONTENT_SPREAD, _CONTENT_MAX = 385, 1.03, 197_622
_MOST_TARGETS = 301
_RELEVANCES = b", ".join([b"1.0"] * _MOST_TARGETS)

Choice = TypeVar("Choice")


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
    blocks = [_Block(seed, at // BLOCK, min(BLOCK, rows - at), packed) for at in range(0, rows, BLOCK)]
    bar = tqdm(desc="sample", total=rows, unit="line", unit_scale=True, disable=None)
    with replacing(path) as partial, open(partial, "wb") as file, bar:
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
    if len(blocks) <= _FEW_BLOCKS:
        yield from map(make_block, blocks)
        return
    with LocalProcesses() as run_map:
        yield from run_map(make_block, blocks)


def make_block(block: _Block) -> bytes:
    """The lines of one block as UTF-8, or as one gzip member."""
    maker = _Maker(random.Random(f"{block.seed}/{block.number}"), block.number * BLOCK)
    text = b"".join(map(maker.line, range(block.rows)))
    return zlib.compress(text, level=1, wbits=31) if block.packed else text


@dataclass(frozen=True)
class _Product:
    """What a title names, and its description tells; what is not in the title is as usual for its kind."""

    title: str
    kind: words.Kind
    brand: str
    series: str
    colour: str
    material: str
    size: str
    user: str


class _Maker:
    """Makes the lines of a block, one after the other, from one source of chance."""

    def __init__(self, chance: random.Random, first: int) -> None:
        self._chance, self._next = chance, chance.random
        self._first = first
        self._numbers = [str(number) for number in range(first, first + BLOCK + 3 * _MOST_TARGETS)]
        self._made: list[tuple[str, str]] = []

    def line(self, at: int) -> bytes:
        """Line `at` of the block, from 0, in the form of the real file's lines."""
        share = self._next()
        title, content = self._texts(described=share < _BOTH + _NO_TITLE)
        if share > _BOTH + _NO_TITLE + _NO_CONTENT or _BOTH < share < _BOTH + _NO_TITLE:
            title = ""
        if title and content:
            self._made.append((title, content))
        count = 1 + min(_MOST_TARGETS - 1, int(self._chance.expovariate(1 / 25)))
        indices = ", ".join(self._numbers[at : at + 3 * count : 3])
        return b'{"uid": "%010d", "title": %s, "content": %s, "target_ind": [%s], "target_rel": [%s]}\n' % (
            31_895 + 7 * (self._first + at),
            orjson.dumps(title),
            orjson.dumps(content),
            indices.encode(),
            _RELEVANCES[: 5 * count - 2],
        )

    def _texts(self, described: bool) -> tuple[str, str]:
        share = self._next()
        if share < 0.12 and self._made and described:
            return self._alike(self._pick(self._made), share)
        product = self._product()
        if not described:
            return product.title, ""
        if share > 0.99:
            return product.title, self._pick(
                (product.title, "Tutu", *words.BOILERPLATE[:: len(words.BOILERPLATE) // 2])
            )
        return self._soiled(product.title, self._content(product))

    def _alike(self, made: tuple[str, str], share: float) -> tuple[str, str]:
        """A product like an earlier one: mostly the same content under a title of its own."""
        title, content = made
        if share < 0.002:
            return made
        if share < 0.004:
            return title, self._content(self._product())
        return f"{title}, Set of {2 + int(self._next() * 97)}", content

    def _product(self) -> _Product:
        kind = self._pick(words.KINDS)
        brand, series = self._pick(words.BRANDS), f"{self._pick(words.SERIES)} {100 + int(self._next() * 900)}"
        colour, material, size, user = kind.colour, kind.materials[0], "medium", "the whole family"
        length = self._length(_TITLE_MEDIAN, _TITLE_SPREAD, _TITLE_MAX)
        title = f"{brand} {series}"
        if length > 28:
            colour = self._pick(words.COLOURS)
            title += f" {words.TITLED[colour]}"
        if length > 36:
            material = self._pick(kind.materials)
            title += f" {words.TITLED[material]}"
        title += f" {words.TITLED[kind.name]}"
        if length > 45:
            user = self._pick(words.USERS)
            title += f" for {words.TITLED[user]}"
        if length > 60:
            size = self._pick(words.SIZES)
            title += f" in Size {words.TITLED[size]}"
        if len(title) < length - 10:
            title = self._longer(title, kind, length)
        return _Product(title, kind, brand, series, colour, material, size, user)

    def _longer(self, title: str, kind: words.Kind, length: float) -> str:
        title += f", with {kind.parts[0].title()}"
        if len(title) < length - 10:
            title += f" and {kind.parts[1].title()}"
        while len(title) < length - 10:
            title += f", {self._pick(words.QUALITIES).title()} {self._pick(words.PLACES).title()}"
        return title[:_TITLE_MAX].rstrip()

    def _content(self, product: _Product) -> str:
        """The description: what the title decides first, then sentences of no matter, as long as chance wants it."""
        length = self._length(_CONTENT_MEDIAN, _CONTENT_SPREAD, _CONTENT_MAX) - 20
        sentences, size = [], 0
        for sentence in _told(product):
            sentences.append(sentence)
            size += len(sentence) + 1
            if size > length:
                break
        while size < length:
            sentences.append(self._pick(words.PRAISE))
            size += len(sentences[-1]) + 1
        return " ".join(sentences)[:_CONTENT_MAX]

    def _soiled(self, title: str, content: str) -> tuple[str, str]:
        """The texts with the dirt of the real file."""
        if self._next() < 0.022:
            title = title.replace(" for ", " &amp; ", 1) if " for " in title else f"{title} &#39;s"
        chance = self._next()
        if chance < 0.18:
            for _ in range(1 + int(self._next() * 4)):
                plain, escaped = self._pick(words.ESCAPES)
                content = content.replace(plain, escaped, 2)
            if "&" not in content:
                content += "&nbsp;"
        elif chance < 0.23:
            content = content.replace(". ", ".  ", 3)
        if self._next() < 0.3:
            content += self._pick(words.TRAILERS)
        return title, content

    def _length(self, median: int, spread: float, longest: int) -> float:
        """Characters a text should have: log-normal, with one in a hundred thousand of any length."""
        if self._next() < 1e-5:
            return longest * self._next()
        return min(longest, median * exp(spread * self._chance.gauss(0, 1)))

    def _pick(self, choices: Sequence[Choice]) -> Choice:
        return choices[int(self._next() * len(choices))]


def _told(product: _Product) -> tuple[str, ...]:
    """What a description says of a product, one short sentence after the other."""
    kind = product.kind
    this, it, is_, comes = ("These", "They", "are", "come") if kind.plural else ("This", "It", "is", "comes")
    return (
        f"The {product.series} {kind.name} {is_} made by {product.brand}.",
        f"{it} {is_} {product.colour} and made of {product.material}.",
        f"{this} {kind.name} {kind.use}.",
        f"{it} {comes} with {kind.parts[0]} and {kind.parts[1]}.",
        f"The size is {product.size}, right for {product.user}.",
        words.CARE[product.material],
    )
