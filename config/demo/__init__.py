"""The demo shop 禾间: stores, members, a year of orders and what became of the points, all through the verbs."""
