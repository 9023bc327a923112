"""What Bellrock can do: one module per use case. They own the transactions."""
