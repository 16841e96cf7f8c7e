"""How dates are written, a module for each language: one form on every page."""
