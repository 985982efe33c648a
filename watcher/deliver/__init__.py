"""Delivering: one lane per channel renders, sends and marks that channel's messages."""

from watcher.deliver.lane import BETWEEN_FULL, BETWEEN_SUMMARIES, LONGEST_RUN, Lane, Letter
from watcher.deliver.ports import Manner, Pace
from watcher.deliver.words import tell_story

__all__ = ["BETWEEN_FULL", "BETWEEN_SUMMARIES", "LONGEST_RUN", "Lane", "Letter", "Manner", "Pace", "tell_story"]
