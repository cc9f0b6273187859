"""The engine on a board at a serial port."""
