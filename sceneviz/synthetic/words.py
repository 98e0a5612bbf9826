"""What people in rendered movies are called and talk about: plain data."""

from __future__ import annotations

import re

_NAMES = (
    "Ann Bob Carla David Elena Frank Grace Henry Irene Jack Karen Leo Maria Nick Olivia Paul Quinn Rose Sam Tess "
    "Uma Victor Wendy Xavier Yara Zoe Alice Boris Clara Dmitri Emma Felix Gina Hugo Ivy Jonas Kate Liam Mona Nora "
    "Oscar Petra Ralph Sofia Tom Ursula Vera Walter Yusuf Zack Amir Bella Chen Dora Ethan Fatima George Hana Igor "
    "Julia Kofi Laura Max Nina Otto Priya Rashid Sarah Theo Vivian Will Yuki Aaron Beth Colin Diana Eddie Fiona "
    "Gary Helen Isaac Jenny Keith Linda Marcus Naomi Owen Polly Ricardo Stella Tony Vincent Wanda Arthur Brenda "
    "Carlos Daisy Edgar Flora Gordon Holly Ingrid James Lena Miguel Natalie Pierre Ruth Simon Tara"
)
NAMES = tuple(_NAMES.split())

# topic: (nouns, verbs in the base form, adjectives)
_TOPICS = {
    "money": (
        "money bank loan debt cash account interest bill check wallet deposit coin dollar salary tax budget",
        "borrow pay spend owe invest",
        "rich broke expensive cheap",
    ),
    "war": (
        "army soldier general enemy bomb trench battle rifle captain border tank order attack uniform medal retreat",
        "attack defend surrender bomb invade",
        "wounded brave armed hostile",
    ),
    "food": (
        "dinner soup bread kitchen salt chicken recipe oven plate wine cheese onion sauce breakfast cake butter",
        "cook taste bake fry serve",
        "hungry delicious spicy fresh",
    ),
    "crime": (
        "murder police detective gun alibi witness body suspect knife robbery evidence blood thief motive weapon clue",
        "kill steal arrest confess shoot",
        "guilty innocent criminal dead",
    ),
    "love": (
        "heart kiss wedding ring bride husband wife marriage flower letter romance darling date promise divorce dance",
        "love marry kiss adore forgive",
        "jealous lonely beautiful faithful",
    ),
    "medicine": (
        "doctor nurse hospital pill patient fever surgery pain blood pulse needle infection cancer clinic disease bone",
        "heal operate inject diagnose bandage",
        "sick healthy contagious weak",
    ),
    "sea": (
        "ship captain anchor wave sail harbor storm deck fish net island crew boat tide compass lighthouse",
        "sail drown row fish sink",
        "wet stormy salty seasick",
    ),
    "space": (
        "rocket planet moon orbit star shuttle astronaut oxygen gravity signal station engine comet galaxy launch",
        "launch land orbit explore dock",
        "cosmic weightless distant lunar",
    ),
    "school": (
        "teacher exam homework class student pencil grade principal lesson textbook college essay chalk desk bell",
        "study learn teach cheat graduate",
        "smart lazy clever strict",
    ),
    "music": (
        "song guitar piano band drum melody concert stage singer violin chorus record album rhythm note audience",
        "sing play compose record rehearse",
        "loud musical famous rhythmic",
    ),
    "sport": (
        "game team coach ball goal score match referee player stadium season trophy field race champion jersey",
        "win lose train score kick",
        "fast tired athletic undefeated",
    ),
    "law": (
        "judge court lawyer jury trial contract verdict client sentence appeal law testimony prosecutor oath case bail",
        "sue testify appeal object plead",
        "legal fair liable corrupt",
    ),
    "travel": (
        "train ticket suitcase passport airport hotel flight map luggage platform journey taxi station road visa pilot",
        "travel pack depart arrive drive",
        "foreign late lost remote",
    ),
    "family": (
        "mother father sister brother baby uncle grandma cousin childhood birthday son daughter twin aunt nephew",
        "raise adopt hug scold inherit",
        "pregnant grown orphaned proud",
    ),
    "magic": (
        "wizard spell potion dragon wand curse witch castle prophecy demon sword crystal ghost ritual kingdom elf",
        "enchant summon curse vanish conjure",
        "magical cursed ancient haunted",
    ),
    "farm": (
        "cow horse barn harvest tractor wheat fence sheep pig milk seed field hay plow rooster stable",
        "plant harvest milk feed plow",
        "muddy ripe rural dry",
    ),
    "politics": (
        "president senator vote election campaign speech party minister treaty poll mayor congress scandal policy",
        "vote elect campaign govern resign",
        "political liberal popular public",
    ),
    "computers": (
        "computer password file screen hacker network code virus server keyboard data program laptop email robot chip",
        "hack download delete encrypt type",
        "digital wireless broken secure",
    ),
    "weather": (
        "rain snow wind cloud thunder umbrella winter summer flood ice sun forecast hurricane fog lightning coat",
        "freeze rain melt shine flood",
        "cold hot windy cloudy",
    ),
    "work": (
        "boss office meeting job desk report deadline secretary client promotion factory manager shift interview memo",
        "hire fire quit manage work",
        "busy retired unemployed professional",
    ),
    "house": (
        "roof door window basement rent stairs key garden landlord floor furniture attic wall paint carpet chimney",
        "build rent repair clean paint",
        "cozy empty dusty spacious",
    ),
    "faith": (
        "church priest prayer god soul angel sin bible heaven monk altar candle faith devil temple miracle",
        "pray bless believe repent preach",
        "holy sacred humble eternal",
    ),
    "hunt": (
        "forest bear wolf trap deer tracks tent camp fire trail mountain river dog bow lantern cabin",
        "hunt track climb camp chase",
        "wild deep dangerous quiet",
    ),
    "theatre": (
        "actor play script costume curtain rehearsal director scene audience mask applause role makeup critic camera",
        "act perform rehearse film direct",
        "dramatic tragic comic glamorous",
    ),
}
TOPICS = {name: tuple(tuple(part.split()) for part in parts) for name, parts in _TOPICS.items()}

TEMPLATES = (
    "Where did you leave the {n}?",
    "The {n} is too {a}.",
    "I can't {v} without the {n}.",
    "They want to {v} the {n}.",
    "You never told me about the {n}.",
    "First the {n}, then the {m}.",
    "Nobody can {v} like that.",
    "We need a {n} and a {m}.",
    "Did you see the {n} by the {m}?",
    "She is {a}, and so is the {n}.",
    "It was a {a} {n}.",
    "Give me the {n}, please.",
    "I have to {v} before the {m}.",
    "What about the {n}?",
    "That {n} is {a}.",
    "My {n} is worth more than your {m}.",
    "He tried to {v}, but the {n} was {a}.",
    "The {m} and the {n} are gone.",
    "I don't want to {v} any more.",
    "Show me the {a} {n}.",
    "We'll {v} tomorrow, with the {n}.",
    "There is no {n} here, only the {m}.",
    "Is it true that you {v}?",
    "Forget the {n}. Think of the {m}.",
    "{name}, bring the {n}.",
    "{name} wants to {v}, you know.",
    "Careful with that {n}, {name}.",
    "I heard {name} has the {n}.",
    "Without a {n} we can't {v}.",
    "A {a} {n}, {name}? Really?",
)

SMALL_TALK = (
    "I don't know what you mean.",
    "What are you doing here?",
    "Come on, let's go.",
    "All right, all right.",
    "No, wait a minute.",
    "Are you sure about that?",
    "I told you so.",
    "Well, that is something.",
    "Please, just listen to me.",
    "Thank you very much.",
    "It doesn't matter now.",
    "Look at me.",
    "How long has it been?",
    "I'm sorry, {name}.",
    "{name}, are you there?",
    "What did {name} say?",
    "You can't be serious.",
    "Good night, {name}.",
    "Not now, {name}.",
    "Yes. Yes, of course.",
)


def words_of(line: str) -> set[str]:
    """The words of a line, in lower case."""
    return set(re.findall("[a-z]+", line.lower()))
