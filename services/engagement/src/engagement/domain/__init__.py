"""The rules of a pair's life: what it agrees on, when it may begin, how often it meets, when it counts as silent."""
