"""From layers to plans: operations, passes over them, and what runs the plan."""
