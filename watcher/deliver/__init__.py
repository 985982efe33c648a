"""Delivering: one lane per channel renders, sends and marks that channel's messages."""

from watcher.deliver.lane import BETWEEN_SUMMARIES, LONGEST_RUN, TOGETHER, Lane
from watcher.deliver.ports import Manner, Pace
from watcher.deliver.words import tell_story

__all__ = ["BETWEEN_SUMMARIES", "LONGEST_RUN", "TOGETHER", "Lane", "Manner", "Pace", "tell_story"]
