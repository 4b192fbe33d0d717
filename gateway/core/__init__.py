"""Decides, and does nothing: plain classes that are given inputs and times and return effects.

No clock, socket, Redis, task, lock or thread is in here, so a test of a decision is a list of inputs and
a list of effects, and a list of inputs that was recorded replays what happened.
"""
