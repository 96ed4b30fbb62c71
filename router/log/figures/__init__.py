"""What a log says in numbers: outcomes, money, recurring types, typical tokens."""
