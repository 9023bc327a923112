"""The `bellrock` command: what a person types, and what the terminal shows."""
