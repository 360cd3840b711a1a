"""Pages: what is known about a bundle in, HTML, plots and documents for people out."""
