"""What gateway and workers share, and the workers."""
