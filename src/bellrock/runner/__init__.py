"""The side that executes: takes runs of its locations, carries them out, reports. Knows only the wire."""
