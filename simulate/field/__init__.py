"""The inner ring: the vector field of the flow and the sums over neurons, on the CPU or on a GPU.

flow.py is what the other rings see, together with stages.py, the stages of one step. Both call a backend (backend.py):
cpu.py runs the compiled loops of kernels.py, tensors.py runs torch operators. Each result that depends on all neurons
passes through reduction.py.
"""
