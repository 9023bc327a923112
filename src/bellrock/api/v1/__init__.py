"""Version 1 of the contract: one router per resource."""
