"""What a page or a table is about, one file for each kind of fit."""
