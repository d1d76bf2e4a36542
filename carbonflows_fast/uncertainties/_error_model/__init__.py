"""How wrong cells may be: what the user says, and the numbers of each cell."""
