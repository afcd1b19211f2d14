"""Which python runs what on this node, and why: providers, a probe inside each candidate, one resolver."""
