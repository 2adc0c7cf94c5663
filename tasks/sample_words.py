"""The words of the made-up catalogue: few and plain, so that a very small language model can learn them."""

from dataclasses import dataclass

COLOURS = "black blue brown gold green grey orange pink purple red silver white yellow".split()

CARE = {
    "cotton": "Wash the cotton warm and dry it in the sun.",
    "wool": "Wash the wool cold and dry it flat.",
    "silk": "Wash the silk by hand in cold water.",
    "linen": "Wash the linen warm and iron it while wet.",
    "leather": "Clean the leather with oil and keep it dry.",
    "canvas": "Clean the canvas with a soft brush.",
    "steel": "Clean the steel with a dry cloth.",
    "iron": "Keep the iron dry and rub it with oil.",
    "copper": "Clean the copper with salt and warm water.",
    "glass": "Wash the glass by hand in warm water.",
    "plastic": "Clean the plastic with soap and cold water.",
    "rubber": "Clean the rubber with water and keep it cool.",
    "oak": "Rub the oak with oil once a year.",
    "bamboo": "Clean the bamboo with a wet cloth.",
    "paper": "Keep the paper dry and out of the sun.",
    "stone": "Clean the stone with plain water.",
}
"""Material → how to care for it."""

_KIND_LINES = """
shirt; is soft and fits well on warm days; two pockets; six buttons; cotton linen silk; white
skirt; is light and moves well in the wind; a wide belt; a side pocket; cotton silk wool; red
jacket; keeps you warm in the wind and the rain; a warm hood; four pockets; wool canvas leather; black
coat; keeps you warm all winter; a high collar; two deep pockets; wool leather; grey
dress; is light and cool in the summer; a thin belt; short sleeves; cotton silk linen; blue
hat; keeps the sun out of your eyes; a wide brim; a soft band; wool cotton; brown
scarf; keeps the neck warm in the cold; long ends; a soft edge; wool silk; red
gloves; keep the hands warm and dry; long fingers; a soft lining; leather wool; black
socks; keep the feet warm and dry; strong heels; a soft top; wool cotton; grey
boots; keep the feet dry in the rain; strong soles; long laces; leather rubber; brown
shoes; are easy to walk in all day; soft soles; short laces; leather canvas; black
bag; holds books, lunch and a bottle; a long strap; three pockets; leather canvas; brown
wallet; holds cards and money safely; a coin pocket; a strong button; leather canvas; black
belt; holds well and looks good for years; a plain buckle; five holes; leather canvas; brown
ring; shines in the light and fits every day; a small stone; a round case; steel copper; gold
watch; shows the time and the date; a clear face; a strong strap; steel leather rubber; silver
lamp; lights the room for reading at night; a round shade; a long cable; glass steel oak; white
candle; burns slowly and smells of flowers; a cotton wick; a round jar; glass stone; yellow
clock; shows the time and rings in the morning; large numbers; a loud bell; oak steel plastic; silver
mirror; shows the whole face in clear light; a round frame; a strong hook; glass oak; silver
vase; holds flowers and stands firmly; a narrow neck; a heavy foot; glass stone copper; blue
rug; is soft under the feet and warms the floor; a thick edge; a firm back; wool cotton; red
pillow; is soft and holds up the head at night; a soft cover; a long zip; cotton linen silk; white
blanket; keeps the bed warm through the night; a soft edge; a carry bag; wool cotton; green
towel; takes up water and dries quickly; a small loop; a soft edge; cotton linen; white
curtain; keeps the light out of the room; eight rings; a heavy hem; linen cotton silk; grey
chair; is strong and easy to sit in; four legs; a soft seat; oak steel plastic; brown
table; stands firmly and seats six; four legs; a wide top; oak glass steel; brown
shelf; holds thirty books on the wall; three boards; ten screws; oak steel bamboo; white
basket; holds bread, fruit or toys; two handles; a flat lid; bamboo canvas; brown
kettle; boils water for tea in three minutes; a long spout; a cool handle; steel copper glass; silver
pan; cooks evenly and cleans easily; a long handle; a glass lid; steel iron copper; black
pot; cooks soup for the whole family; two handles; a heavy lid; steel iron copper; silver
knife; cuts bread, meat and fruit; a sharp blade; a safe handle; steel oak; silver
fork; is light in the hand and easy to clean; four points; a plain handle; steel bamboo; silver
spoon; is good for soup and for tea; a deep bowl; a plain handle; steel bamboo; silver
cup; keeps tea and coffee warm; a round handle; a flat lid; glass stone steel; white
plate; is good for bread, cake and meat; a wide edge; a flat foot; glass stone plastic; white
bowl; holds soup, salad or fruit; a high edge; a flat foot; glass stone bamboo; blue
bottle; keeps water cold for a day; a tight cap; a carry loop; steel glass plastic; blue
brush; cleans pots and bottles well; a long handle; strong hairs; oak plastic bamboo; green
hammer; drives nails into hard wood; a heavy head; a safe grip; steel oak; black
saw; cuts wood quickly and cleanly; sharp teeth; a safe grip; steel oak; silver
drill; makes clean holes in wood and stone; six bits; a long cable; steel plastic; green
ladder; reaches high shelves safely; seven steps; rubber feet; steel oak; silver
rope; pulls and ties heavy loads; strong ends; a steel hook; canvas cotton plastic; white
tent; keeps four people dry in the rain; ten poles; a floor sheet; canvas plastic; green
ball; flies far and bounces high; a hand pump; a carry net; rubber leather plastic; orange
bike; rides well on roads and in the woods; two brakes; a front light; steel rubber; red
kite; flies high in a light wind; a long tail; a strong line; silk paper plastic; yellow
doll; has long hair and a friendly face; two dresses; small shoes; cotton plastic; pink
train; runs on its own track; five cars; a small bridge; oak steel plastic; red
puzzle; shows a village by the sea; one hundred pieces; a strong box; paper oak; blue
guitar; sounds warm and clear; six strings; a soft case; oak steel; brown
drum; sounds deep and loud; two sticks; a wide strap; oak steel leather; red
flute; sounds bright and clear; a soft case; a long brush; steel bamboo; silver
novel; tells of a long journey by sea; twelve chapters; a map; paper linen; blue
guide; shows the best walks in the mountains; forty maps; a list of inns; paper linen; green
cookbook; teaches plain meals for every day; ninety recipes; many pictures; paper linen; white
poster; shows the old town in the evening; a strong tube; four pins; paper canvas; yellow
"""


@dataclass(frozen=True)
class Kind:
    """A kind of product."""

    name: str
    use: str
    """What it does: the end of a sentence that begins with its name."""
    parts: tuple[str, str]
    materials: tuple[str, ...]
    """What it comes in, the usual one first."""
    colour: str
    """Its usual colour."""

    @property
    def plural(self) -> bool:
        return self.name in ("gloves", "socks", "boots", "shoes")


def _kind(line: str) -> Kind:
    name, use, first, second, materials, colour = line.split("; ")
    return Kind(name, use, (first, second), tuple(materials.split()), colour)


KINDS = [_kind(line) for line in _KIND_LINES.strip().splitlines()]
SIZES = ("small", "medium", "large")
USERS = ("women", "men", "children", "beginners")
QUALITIES = "clean clear firm good heavy light long new plain quick round safe simple smooth soft strong".split()
PLACES = "at home|in the garden|at school|on a trip|in the kitchen|by the sea|at work|in the rain".split("|")
_ACTIONS = "You can use it|It works well|It looks good|People like it|It stays clean|It is easy to keep".split("|")
PRAISE = [
    f"{action} {place}, {quality} and {other}."
    for action in _ACTIONS
    for place in PLACES
    for quality in QUALITIES
    for other in QUALITIES
    if quality != other
]
"""What can be said of any product."""

_NAMES = "Al Bel Cor Dan El Fen Gal Hol Ker Lam Mor Nor Per Sol Tar Vel".split()
BRANDS = [name + end for name in _NAMES for end in "ba do fa go ka lo ma na".split()]
_STEMS = "Ama Bori Cala Deli Eno Fari Gino Hala Ilo Juna Kori Lumi Mira Nova Oli Pira Runa Sela Tivo Una".split()
SERIES = [
    stem + end for stem in _STEMS for end in "bel con dar fin gor lan mex nis pol rin sta tor ven wix zan".split()
]
TITLED = {word: word.title() for word in (*COLOURS, *CARE, *SIZES, *USERS, *(kind.name for kind in KINDS))}
"""Words as they stand in a title."""

TRAILERS = (
    "--This text refers to theHardcoveredition.",
    "--This text refers to thePaperbackedition.",
    "--This text refers to an alternatePaperbackedition.",
    "--This text refers to an out of print or unavailable edition of this title.",
    "Copyright 1992 Reed Business Information, Inc.",
    "Copyright 2001 Cahners Business Information, Inc.",
    "Copyright &copy; Reed Business Information, a division of Reed Elsevier Inc. All rights reserved.",
    "Copyright 1997 Reed Business Information, Inc.--This text refers to theHardcoveredition.",
)

ESCAPES = (
    (" It is ", " It&#8217;s "),
    (" and ", " &amp; "),
    (". It ", ". It&#160;"),
    (" is ", " &quot;is&quot; "),
    (". ", "&#x2026; "),
    (", ", "&#8211;"),
    (" the ", " &#x201C;the&#x201D; "),
    (" comes ", "&#x92;comes "),
    (" made ", " ma&ntilde;de "),
    (" and ", " &amp;amp; "),
    (" a ", " &amp;#39;a&amp;#39; "),
    (". The ", ".&mdash;The "),
)
"""Plain text → the same with HTML entities: named, decimal, hexadecimal, Windows-1252 references, double escapes."""

BOILERPLATE = tuple(
    f"{brand} has made good things for the home since {1900 + 3 * number}. All of them come with a letter from {brand}."
    for number, brand in enumerate(BRANDS[::4])
)
"""Contents that stand under many titles."""
