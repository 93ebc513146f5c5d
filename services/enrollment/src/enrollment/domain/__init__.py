"""The rules of enrollment: pure, standard library only."""
