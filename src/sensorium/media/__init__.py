"""What an input is, whether it is safe, what it costs, and its decoded form. Never sees torch."""
