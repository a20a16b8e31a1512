"""How the facilities of each sort behave, one module a sort; none knows of networks, faults or formats."""
