"""``make gpu-check``: are the kernels right on this GPU, and how fast is the way from raw counts to maps?"""
