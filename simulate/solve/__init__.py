"""The outer ring: many steps. loop.py is the integration loop, step_control.py its step-size rule, segment.py what lies
inside a step that was taken, recorder.py what is observed on the way; descent.py is gradient descent.

This ring knows nothing of files or command lines: where its state is saved is up to the caller (outcome.Checkpoints).
"""
