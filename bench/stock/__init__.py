"""Whether a large stock makes anything slower, and whether what is over goes away."""
