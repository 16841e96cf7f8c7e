"""Rules in words, in the language of the reader: for the console, the members' pages and every explanation."""

from campaigns.wording.conditions import condition_words, event_words
from campaigns.wording.effects import effect_words
from campaigns.wording.events import EVENTS
from campaigns.wording.limits import limit_words
from campaigns.wording.names import Names
from campaigns.wording.others import combination_words, partner_words
from campaigns.wording.seen import seen_words
from campaigns.wording.sentences import head, sentence
from campaigns.wording.windows import window_words

__all__ = [
    "EVENTS",
    "Names",
    "combination_words",
    "condition_words",
    "effect_words",
    "event_words",
    "head",
    "limit_words",
    "partner_words",
    "seen_words",
    "sentence",
    "window_words",
]
