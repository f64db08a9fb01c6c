"""What every room uses: batches, capabilities, trees, precision, compilation, files."""
