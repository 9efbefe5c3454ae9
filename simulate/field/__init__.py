"""The inner ring: the vector field of the flow and the sums over neurons, on the CPU or on a GPU."""
