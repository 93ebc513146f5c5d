"""The rules of matching: who may meet whom, how well they fit, the exact optimum and its proof."""
