"""What the machine and its system give a process: processors, memory, threads."""
