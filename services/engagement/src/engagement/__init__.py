"""The life of a pair: agreement, training, meetings, health."""
