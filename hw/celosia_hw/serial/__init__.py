"""The engine on a serial line: UART pins, packets, checksums, retransmission."""
