"""Engines: pure libraries that know neither HTTP nor database nor settings."""
