"""Reporters: what a finished session looks like to a person, a program or a CI system."""
