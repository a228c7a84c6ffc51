"""Copies of a whole house: what a backup holds, how it is made and how it comes back."""
