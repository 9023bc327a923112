"""Version 2 of the contract: the resources whose shape or words changed."""
