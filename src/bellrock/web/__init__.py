"""The pages: Jinja2 templates, small fragments pushed by server-sent events, no build step.

Every page is complete without JavaScript; htmx replaces parts of it while a session goes on.
"""
