"""Seeded bugs: each is a change of a few words in a copy of the tree, and names the tests that must go red there. Never product code."""
