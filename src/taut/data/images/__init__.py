"""Images in: files, splits, binarisation."""
