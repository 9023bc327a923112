"""Bundles and artifacts of runs, over obstore: a folder, or memory."""
