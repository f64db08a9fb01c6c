"""Tables in: columns, design matrices, labels."""
