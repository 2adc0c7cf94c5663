"""The text that the `tiny` base model is pre-trained on: made-up plain English, none of it from a catalogue.

Two kinds of text alternate. Statements teach words and grammar. Exercises repeat a name that was given
before, in many wordings, because carrying a name from a question into an answer is the one skill the
adapters build on and a model of this size does not pick up from statements alone. No exercise uses
the questions or the answer form of the product templates: those are what the rounds teach.
"""

import random
from collections.abc import Iterator

_NOUNS = """apple arm bag ball band basket bath bed bell bench bike bird blanket board boat book boot bottle bowl box
bread bridge brush bucket cable cake camera candle cap car card case cat chair child clock cloth coat coffee comb cup
curtain desk dish dog doll door dress drill drum engine face fan farm field film finger fire fish floor flower fork
game garden glass glove guide guitar hair hammer hand hat heart hill history home horse house jacket jar key kettle
kitchen knife ladder lake lamp leaf leg letter light lock machine map market mat meal milk mirror money moon morning
mountain mouse mouth music nail neck needle night novel oil oven page paint pan paper park pencil phone piano picture
pillow pipe plant plate pocket poem pot price puzzle rain recipe ring river road rope rug salt sand saw school
scissors sea seat shelf ship shirt shoe shop sink skirt sky soap sock song soup spoon stand star station stone story
stove street string sugar summer sun table tea tent toaster tool tooth towel town toy train tray tree trip truck
tube umbrella vase video village wall wallet watch water wheel wind window winter wire wood yard year""".split()
_QUALITIES = """big black blue bright brown clean clear cold cool dark deep dry easy fair fast fine flat fresh full
gold good green grey hard heavy high hot kind large light little long low medium modern narrow new old orange pink
plain pretty purple quick quiet red rich round safe sharp short silver simple slow small smooth soft strong sweet
tall thick thin tiny warm white wide wild wooden yellow young""".split()
_MATTERS = """cotton leather steel glass bamboo plastic wool silk copper paper rubber stone brass linen ceramic oak
aluminum canvas iron clay""".split()
_VERBS = """brings builds buys carries cleans closes covers cuts draws drives fills finds fixes gives holds keeps
knows likes makes moves needs opens paints plays pulls pushes reads sees sells shows takes teaches turns uses wants
washes wears writes""".split()
_PLACES = """at home|in the garden|on the table|by the river|in the kitchen|at school|near the station|in the city|
for the whole family|every day|in the summer|during the winter|for many years|in all weather|after a long day|
with great care|for children and adults|at the market|on the road|for travel""".replace("\n", "").split("|")
_SYLLABLES = """al an ar ba bel bor ca cor da del dor el en fa fen ga gor ha hal is ka kel lan lo mar mel na nor or pa
per ra ri ro sa sel ta tor ul va ven wil zan""".split()
_STATEMENTS = (
    "{who} {quality} {noun} is made of {matter}.",
    "{who} {noun} {verb} the {quality} {other} {place}.",
    "There are {number} {quality} pieces in the {noun}, and the {other} is {second}.",
    "It comes with a {quality} {noun} and is easy to use {place}.",
    "{who} {noun} from {person} was written by {person} {place}.",
    "Perfect for the {noun}, it keeps the {other} {quality}.",
    "{who} {matter} {noun} is {number} inches long and {quality}.",
    "People know little about the {noun} of {person}, but they like it {place}.",
    "What {person} knows about a {quality} {noun} is this: it {verb} the {other}.",
    "This is the {noun} that I know, {quality} and {second}.",
    "Ships on the Amazon carry {matter} from {person} to the {quality} {noun}.",
    "{who} {noun} was made by {person}: {quality}, {second} and right for the whole family.",
    "Wash the {noun} by hand in {quality} water, dry it and keep it {place}.",
    "{person} works well {place} with two {quality} {noun} parts & one {other}.",
    "You can look at the {noun} of size {number}; it stays {quality} and holds a {other}.",
)
_ASKS = (
    "Say {name} once more.",
    "Repeat this name: {name}",
    "Which name did you hear: {name}?",
    "Write down {name}.",
    "My friend talked about {name} yesterday.",
    "Do you remember {name}?",
    "I would like to hear of {name}.",
    "Here is a name, {name}, for you.",
)
_REPLIES = (
    "{name}",
    "{name}. {name}.",
    "It is {name}, yes, {name}.",
    "{name}, I say {name}.",
    "The name is {name}.",
    "You said {name}.",
    "I remember {name}. {more}",
    "Somebody mentioned {name}: {more}",
    "{name} it is. {more}",
    "Of {name} I can say this. {more}",
)


def documents(seed: int) -> Iterator[tuple[str, str | None]]:
    """Yields documents without end, a function of `seed`: (text, None) or (question, reply)."""
    source = random.Random(seed)
    while True:
        if source.random() < 0.08:
            yield " ".join(_statement(source) for _ in range(source.randint(2, 6))), None
        else:
            name = _name(source)
            more = _statement(source) if source.random() < 0.15 else ""
            ask, reply = source.choice(_ASKS), source.choice(_REPLIES)
            yield ask.format(name=name), reply.format(name=name, more=more)


def _statement(source: random.Random) -> str:
    noun, other = source.choice(_NOUNS), source.choice(_NOUNS)
    quality, matter = source.choice(_QUALITIES), source.choice(_MATTERS)
    who = source.choice(("The", "This", "A", "Every", "Her", "His", "Our"))
    number, place = source.randint(1, 99), source.choice(_PLACES)
    return source.choice(_STATEMENTS).format(
        who=who,
        noun=noun,
        other=other,
        quality=quality,
        second=source.choice(_QUALITIES),
        matter=matter,
        number=number,
        place=place,
        verb=source.choice(_VERBS),
        person=_invented(source),
    )


def _name(source: random.Random) -> str:
    """One to six words in the manner of a title: invented names, qualities, matters, nouns, numbers."""
    words = [
        source.choice((_invented(source), source.choice(_QUALITIES), source.choice(_MATTERS), source.choice(_NOUNS)))
        for _ in range(source.randint(1, 5))
    ]
    if source.random() < 0.25:
        words.append(source.choice((str(source.randint(1, 999)), f"Volume {source.randint(1, 9)}", "for Women", "Set")))
    return " ".join(word[0].upper() + word[1:] for word in words)


def _invented(source: random.Random) -> str:
    return "".join(source.choice(_SYLLABLES) for _ in range(source.randint(2, 3))).capitalize()
