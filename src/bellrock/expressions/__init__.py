"""The small languages of a monitoring platform. Pure functions over text."""
