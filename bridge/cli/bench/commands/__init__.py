"""The commands of `bench` that are more than a few lines: their options, and what they ask for."""
