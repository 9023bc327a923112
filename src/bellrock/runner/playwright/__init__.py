"""What any run of Playwright needs, whichever executor carries it out.

A process in the sandbox (`sandbox`, `suite_run`) with this machine's browser (`browsers`) and installed
packages (`install`, `dependency_store`), followed while it goes on (`watch`, `console`) and judged
afterwards (`verdict`); what is kept of it (`evidence`, `artifacts`), and its report (`reporting`).
"""
