"""Draws: perturbed tables, solved again."""
