"""What happens to finished sums: drained, requantized, looked up, written back."""
