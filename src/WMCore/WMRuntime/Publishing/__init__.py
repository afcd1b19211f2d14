"""What the agent's side makes for nodes: areas, wheels, container definitions."""
