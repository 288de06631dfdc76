"""The torch side of FOCUS: train, evaluate, export."""
