"""The engine's word streams over two serial pins."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from celosia.spec import Config
from celosia_hw.layouts import link_word

from .receiver import PacketReceiver
from .transmitter import PacketTransmitter
from .uart import UartReceiver, UartTransmitter

__all__ = ["SerialLink"]


class SerialLink(wiring.Component):
    """The device's side of `celosia.spec.serial`: UART, packet receiver and packet transmitter.

    Request words appear at ``o`` once their packet has been checked. Response words from ``i`` are
    buffered until the host asks for them, and kept until it has acknowledged them. When the host
    begins a session, ``restart`` is 1 for one cycle; from that cycle on ``o`` is not valid and
    ``i`` not ready until bytes have been sent. ``restart`` must reset the component at the streams,
    in the same or in the next cycle.

    Parameters
    ----------
    config : of the engine behind it.
    divisor : clock cycles per bit, at least `uart.MIN_DIVISOR`.

    Members
    -------
    rx : In(1), may be asynchronous.
    tx : Out(1)
    i : In(stream of `link_word`), response frames.
    o : Out(stream of `link_word`), request frames.
    restart : Out(1)

    Raises
    ------
    ValueError : ``divisor`` is too small.
    """

    def __init__(self, config: Config, divisor: int):
        self.config, self.divisor = config, divisor
        self._uart_rx, self._uart_tx = UartReceiver(divisor), UartTransmitter(divisor)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "i": In(stream.Signature(link_word(config))),
                "o": Out(stream.Signature(link_word(config))),
                "restart": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.uart_rx = uart_rx = self._uart_rx
        m.submodules.uart_tx = uart_tx = self._uart_tx
        m.submodules.receiver = receiver = PacketReceiver(self.config)
        m.submodules.transmitter = transmitter = PacketTransmitter(self.config)
        connect(m, receiver.o, flipped(self.o))
        connect(m, flipped(self.i), transmitter.i)
        connect(m, transmitter.o, uart_tx.i)
        m.d.comb += [
            uart_rx.rx.eq(self.rx),
            self.tx.eq(uart_tx.tx),
            receiver.data.eq(uart_rx.data),
            receiver.valid.eq(uart_rx.valid),
            receiver.error.eq(uart_rx.error),
            transmitter.state.eq(receiver.state),
            transmitter.reply.eq(receiver.reply),
            transmitter.resend.eq(receiver.resend),
            transmitter.hello.eq(receiver.hello),
            transmitter.acked.eq(receiver.acked),
            transmitter.ack.eq(receiver.ack),
        ]
        # Registered, because it resets the whole engine. Both streams are idle by then.
        m.d.sync += self.restart.eq(receiver.hello)
        return m
