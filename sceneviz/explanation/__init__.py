"""Why a decision came out as it did, in words: the language of reasons, the verb, and the checks of what is said."""

from sceneviz.explanation.claims import Claim, Parsed, parse, write
from sceneviz.explanation.facts import factuality
from sceneviz.explanation.faith import faithfulness, removals
from sceneviz.explanation.knowledge import DETAILS, Known, known, rationale, story_of, tellable
from sceneviz.explanation.result import Explanation
from sceneviz.explanation.verb import explain, explanations

__all__ = [
    "DETAILS",
    "Claim",
    "Explanation",
    "Known",
    "Parsed",
    "explain",
    "explanations",
    "factuality",
    "faithfulness",
    "known",
    "parse",
    "rationale",
    "removals",
    "story_of",
    "tellable",
    "write",
]
