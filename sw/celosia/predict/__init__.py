"""What a program will take: cycles, memories and speed, before anything runs."""
