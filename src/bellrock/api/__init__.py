"""The public HTTP API: what others ask of Bellrock, and the exact words of the answers."""
