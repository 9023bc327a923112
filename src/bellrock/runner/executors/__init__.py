"""How runs of each check type are carried out: one module or folder per type, independent of each other."""
