"""Application Auto Scaling: what is registered, how it is meant to scale, and the scaling."""
