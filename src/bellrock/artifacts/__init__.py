"""Bundles and artifacts of runs, over obstore: a folder, memory or S3."""
