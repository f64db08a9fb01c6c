"""What a fit says of data: of rows left out, of replicated rows, and of changes in a column. Arrays in, arrays out."""
