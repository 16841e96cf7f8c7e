"""Speed as ratios: each line runs a verb of ours beside plain SQL that writes the same rows, in turn, on one server."""
