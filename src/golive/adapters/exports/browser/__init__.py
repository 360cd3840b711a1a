"""Browser: a bundle as a static page."""
