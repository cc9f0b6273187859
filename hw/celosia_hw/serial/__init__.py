"""The engine at a serial line: UART pins, packets, checksums, retransmission."""
