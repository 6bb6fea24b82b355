"""What happens when what the provider stands on fails."""
