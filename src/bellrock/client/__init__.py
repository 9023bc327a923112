"""A typed client of Bellrock's public API. It uses nothing that any other program could not use."""
