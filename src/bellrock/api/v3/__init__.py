"""Version 3 of the contract: checks whose intent is said otherwise."""
