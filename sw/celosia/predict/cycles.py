"""Cycle model: predicts, to the cycle, what the engine does with its time.

It moves the engine's control (receiver, sequencer, scanner, walker, drain, responder) from cycle to
cycle without any data; of the data only the number of nonzero bytes per activation word matters.
The host is taken to offer a word and to accept a word in every cycle. Tests hold every number here
equal to the engine's own counters and to the count of cycles at its pins.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from celosia.spec import REQUEST, TRAILER, Config, Memory, ceil_div, record
from celosia.spec.timing import (
    ARRAY_LATENCY,
    DRAIN_LATENCY,
    MAX_OUTSTANDING,
    MULTICYCLE_LATENCY,
    OPERAND_LATENCY,
    READ_LATENCY,
    REQUANTIZER_LATENCY,
    RESULTS_DEPTH,
    SEGMENT_DEPTH,
    TABLES_LATENCY,
)

__all__ = ["LayerLoad", "Prediction", "RunLoad", "predict"]

#: From the walker's decision to the first cycle in which the drain may decide to shift the tile.
_TO_CHAIN = OPERAND_LATENCY + ARRAY_LATENCY
#: From the link's last header word, through COUNT, COMPARE and CHECK, to DECIDE.
_TO_DECIDE = 4
#: From seeing a run, or from starting a layer, through FETCH and CHECK, to START.
_TO_START = READ_LATENCY + 3
#: Slots for results that may be taken while the drain takes another one.
_ROOM = RESULTS_DEPTH - 3
_NEVER = 1 << 62


@dataclass(frozen=True)
class LayerLoad:
    """What a layer asks of the engine.

    ``src`` and ``dst`` are activation words, ``src`` with the input bank already added; ``needed``
    has, for every input word, the number of bytes to multiply (0: the word is skipped), and
    ``bytes_in`` the number of all its bytes that count.
    """

    src: int
    dst: int
    tiles: int
    store: bool
    emit: bool
    needed: tuple[int, ...]
    bytes_in: int


@dataclass(frozen=True)
class RunLoad:
    """One INFER: ``images`` of ``input_words`` words through ``layers``."""

    images: int
    input_words: int
    layers: tuple[LayerLoad, ...]


@dataclass
class Prediction:
    """Cycles from the first input word to the last output word, and the engine's counters.

    ``layer_cycles[i]`` are the cycles, over all runs, from the start of layer i of a run to the
    start of the next layer: they add up to the time from the first start to the last arrival.
    ``layer_issued[i]`` and ``layer_stall_drain[i]`` are what ``issued`` and ``stall_drain`` counted
    in that time.
    """

    cycles: int = 0
    busy: int = 0
    issued: int = 0
    skipped: int = 0
    stall_input: int = 0
    stall_output: int = 0
    stall_drain: int = 0
    stall_data: int = 0
    images: int = 0
    layer_cycles: list[int] = field(default_factory=list)
    layer_issued: list[int] = field(default_factory=list)
    layer_stall_drain: list[int] = field(default_factory=list)


def predict(config: Config, runs: Sequence[RunLoad]) -> Prediction:
    """The prediction for ``runs`` of one program sent back to back to an idle engine."""
    return _Engine(config, runs).go()


def _words(size: int, config: Config) -> int:
    return ceil_div(size, config.link_bytes)


class _Engine:
    """The control of the engine, block by block as in `celosia_hw`.

    `_cycle` is one clock cycle: the blocks are visited against the flow of data, so that each sees
    its neighbours as they were at the clock edge, except where the hardware has a combinational
    path. `_rest` then skips the cycles in which nothing but counting would happen.
    """

    def __init__(self, config: Config, runs: Sequence[RunLoad]):
        self.config, self.runs = config, runs
        layers = max((len(r.layers) for r in runs), default=0)
        self.out = Prediction(
            layer_cycles=[0] * layers, layer_issued=[0] * layers, layer_stall_drain=[0] * layers
        )
        # From the drain's decision on a word to its arrival at memories and result queue.
        fast = config.requantizer_cycles == 1
        self.to_arrival = DRAIN_LATENCY + TABLES_LATENCY
        self.to_arrival += REQUANTIZER_LATENCY if fast else MULTICYCLE_LATENCY
        self.header = _words(REQUEST.size, config)
        self.trailer = _words(TRAILER.size, config)
        self.record = record(config, Memory.ACTIVATIONS).words
        self.now = 0

        # Receiver: the frame of runs[rx] is coming. DECIDE looks at its header from cycle
        # `rx_decide` on; of its activation words `puts` are left, the next due in cycle `put`.
        # The link's first word is seen one cycle after the pin (skid buffer).
        self.rx, self.rx_decide = 0, self.header + _TO_DECIDE
        self.put, self.puts = _NEVER, 0
        self.receiving_from = self.receiving_to = 0
        self.outstanding = self.banks_used = 0
        self.queue: deque[RunLoad] = deque()

        # Sequencer: the next layer can start in cycle `seq_ready`.
        self.seq_layer, self.seq_ready = 0, _NEVER
        self.in_flight: deque[tuple[LayerLoad, bool]] = deque()  # (layer, last of its run)
        self.words_done = 0  # of the older layer in flight
        self.started: tuple[int, int] | None = None  # (layer, cycle) of the last start
        self.noted = 0, 0  # issued and stall_drain by then

        # Scanner: `scan` is the layer of the address generator and `scan_word` where it stands,
        # `waiting` the word to be scanned, of which `guarded` was found a cycle ago, and `scanned`
        # those whose masks are being read. A segment is (bytes needed, ends the tile).
        self.scan: LayerLoad | None = None
        self.scan_word = self.scan_tile = 0
        self.waiting: tuple[int, int, bool] | None = None  # src and segment
        self.guarded, self.scan_room, self.scanner_ready = False, False, True
        self.starting = self.begins = None  # layers taken in this cycle and in the one before
        self.scanned: deque[tuple[int, bool] | None] = deque([None] * READ_LATENCY)
        self.segments: deque[tuple[int, bool]] = deque()

        # Walker: bits left of the current segment; the segment after it and a spare one are those
        # of a skid buffer.
        self.bits, self.bits_last = 0, False
        self.following: tuple[int, bool] | None = None
        self.spare: tuple[int, bool] | None = None
        self.skid_ready = True

        # Drain.
        self.layers: deque[tuple[LayerLoad, bool, int]] = deque()  # (layer, last of run, images)
        self.opening = self.open = None  # one of `layers`, to be open in the next cycle, and now
        self.tiles_left = 0
        self.claimed, self.loaded_from = False, _NEVER
        self.beat = self.row = self.word = self.slots = 0
        self.drain_room, self.shifted, self.next_beat = False, False, 0
        # Words: (cycle, stored, word end, to the host, frame end, layer end)
        self.arrivals: deque[tuple[int, bool, bool, bool, bool, bool]] = deque()

        # Responder. A result can be read three cycles after its arrival (queue, skid buffer).
        self.results: deque[tuple[int, bool]] = deque()  # (readable from, frame end)
        self.tx, self.tx_words, self.answered = "IDLE", 0, 0
        self.told = False, False  # a result was taken, a response has been sent, a cycle ago

    def go(self) -> Prediction:
        while self.answered < len(self.runs):
            self._cycle()
            self._rest()
        # `now` is the cycle after the trailer's last word, which reaches the pin one later, through
        # output register and skid buffer; the first input word was taken in cycle 0.
        self.out.cycles = self.now + 2
        # Rows without an image may still be on their way.
        while self.in_flight:
            self._cycle()
        return self.out

    def _cycle(self) -> None:
        arrival = None
        if self.arrivals and self.arrivals[0][0] == self.now:
            arrival = self.arrivals.popleft()
        layer_done = arrival is not None and arrival[5]
        visible_in_flight = len(self.in_flight)
        busy = visible_in_flight > 0

        (taken, answered), self.told = self.told, self._respond()
        free = not self.claimed
        shift = self._drain_shift()
        claim = self._walk(free)
        scanner_done = self.scan is None and self.waiting is None
        self._scan()
        start = self._start(visible_in_flight)
        self.scanner_ready = scanner_done and self.begins is None and not start
        self.begins, self.starting = self.starting, None
        commit = self._receive(arrival is not None and arrival[1])

        # What the clock edge makes visible.
        run_done = layer_done and self.in_flight[0][1]
        if arrival:
            self._arrive(arrival)
        if start:
            self.in_flight.append(start[:2])
        if self.opening:
            self.open, self.opening = self.opening, None
            self.tiles_left = self.open[0].tiles
        elif self.open is None and self.layers:
            self.opening = self.layers.popleft()
        if layer_done:
            self.open = None
        if start:
            self.layers.append(start)
        if claim:
            self.claimed, self.loaded_from = True, self.now + _TO_CHAIN
        self.drain_room = self.slots <= _ROOM
        self.slots += self.shifted - taken
        self.shifted = shift
        self.outstanding += commit - answered
        self.banks_used += commit - run_done
        self.out.busy += busy
        self.out.stall_input += not busy and self.receiving_from <= self.now < self.receiving_to
        self.now += 1

    def _respond(self) -> tuple[bool, bool]:
        """Returns (a result was taken, a response has been sent)."""
        readable = self.results and self.results[0][0] <= self.now
        if self.tx == "IDLE":
            if readable:
                self.tx = "RESULTS"
            return False, False
        if self.tx == "RESULTS":
            if not readable:
                return False, False
            self.tx_words += 1
            if self.tx_words < self.record:
                return False, False
            self.tx_words = 0
            if self.results.popleft()[1]:
                self.tx = "CLOSE"
            return True, False
        if self.tx == "CLOSE":
            self.tx = "TRAILER"
            return False, False
        self.tx_words += 1
        if self.tx_words < self.trailer:
            return False, False
        self.tx, self.tx_words = "IDLE", 0
        self.answered += 1
        return False, True

    def _drain_shift(self) -> bool:
        """Returns whether a word for the host was shifted."""
        if self.loaded_from > self.now or self.open is None or not self.tiles_left:
            return False
        if self.next_beat > self.now:
            return False
        layer, last_of_run, images = self.open
        to_host = layer.emit and self.row < images
        if to_host and not self.drain_room:
            self.out.stall_output += 1
            return False
        self.next_beat = self.now + self.config.requantizer_cycles
        self.beat += 1
        if self.beat < self.config.beats:
            return False
        self.beat = 0
        row_ends = self.row == self.config.rows - 1
        last_word = self.word == self.config.words_per_tile - 1
        tile_ends, last_tile = row_ends and last_word, self.tiles_left == 1
        self.arrivals.append(
            (
                self.now + self.to_arrival,
                layer.store,
                row_ends,
                to_host,
                last_of_run and last_tile and last_word and self.row == images - 1,
                tile_ends and last_tile,
            )
        )
        self.row = 0 if row_ends else self.row + 1
        if row_ends:
            self.word = 0 if last_word else self.word + 1
        if tile_ends:
            self.claimed, self.loaded_from = False, _NEVER
            self.tiles_left -= 1
        return to_host

    def _walk(self, free: bool) -> bool:
        """Returns whether a tile was claimed."""
        following = self.following
        closes = following is not None and following[0] == 0
        full, final = self.bits > 0, self.bits == 1
        ends = self.bits_last or closes
        last = final and ends
        go = full and (not final or (free if ends else following is not None))
        if go:
            self.out.issued += 1
        elif last:
            self.out.stall_drain += 1
        self.bits -= go
        if closes and full and not self.bits_last:
            self.bits_last, self.following = True, None
        elif not self.bits and following is not None:
            # A tile without a nonzero byte still issues one.
            self.bits, self.bits_last = following[0] or 1, following[1]
            self.following = None
        self.level = len(self.segments)
        entering = self.segments.popleft() if self.skid_ready and self.segments else None
        if self.following is None:
            self.following, self.spare = self.spare or entering, None
        else:
            self.spare = self.spare or entering
        self.skid_ready = self.spare is None
        return go and last

    def _scan(self) -> None:
        segment = self.scanned.popleft()
        if segment is not None and (segment[0] or segment[1]):
            self.segments.append(segment)
        step = self.waiting is not None and not self.guarded and self.scan_room
        self.scanned.append(self.waiting[1:] if step else None)
        self.out.stall_data += self.waiting is not None and self.guarded
        if step:
            self.waiting = None
        if self.waiting is None:
            self.waiting = self._next_word()
        self.guarded = self.waiting is not None and self._guard(self.waiting[0])
        if self.begins is not None:
            self.scan, self.scan_word, self.scan_tile = self.begins, 0, 0
        self.scan_room = self.level <= SEGMENT_DEPTH - 2 - READ_LATENCY

    def _guard(self, src: int) -> bool:
        """The layer before has still to write this word."""
        if len(self.in_flight) < 2:
            return False
        older = self.in_flight[0][0]
        length = older.tiles * self.config.words_per_tile if older.store else 0
        return older.dst + self.words_done <= src < older.dst + length

    def _next_word(self) -> tuple[int, int, bool] | None:
        """The address generator goes on by one word."""
        layer = self.scan
        if layer is None:
            return None
        src, needed = layer.src + self.scan_word, layer.needed[self.scan_word]
        self.scan_word += 1
        ends_tile = self.scan_word == len(layer.needed)
        if ends_tile:
            self.out.skipped += layer.bytes_in - sum(layer.needed)
            self.scan_word = 0
            self.scan_tile += 1
            if self.scan_tile == layer.tiles:
                self.scan = None
        return src, needed, ends_tile

    def _start(self, visible_in_flight: int) -> tuple[LayerLoad, bool, int] | None:
        """Start the next layer when all are ready for it."""
        if self.seq_ready == _NEVER:
            if self.queue:
                # The run is seen, then its descriptor is fetched and read.
                self.seq_ready = self.now + _TO_START
            return None
        if self.now < self.seq_ready or not self.scanner_ready:
            return None
        if visible_in_flight == 2:
            return None
        run = self.queue[0]
        layer, last = run.layers[self.seq_layer], self.seq_layer == len(run.layers) - 1
        self._note_start(self.seq_layer)
        self.starting = layer
        self.seq_layer, self.seq_ready = self.seq_layer + 1, self.now + _TO_START
        if last:
            self.queue.popleft()
            self.seq_layer, self.seq_ready = 0, _NEVER
        return layer, last, run.images

    def _note_start(self, index: int) -> None:
        self._note_end(self.now)
        self.started = (index, self.now)

    def _note_end(self, now: int) -> None:
        if self.started is not None:
            layer, cycle = self.started
            issued, stall_drain = self.noted
            self.out.layer_cycles[layer] += now - cycle
            self.out.layer_issued[layer] += self.out.issued - issued
            self.out.layer_stall_drain[layer] += self.out.stall_drain - stall_drain
        self.noted = self.out.issued, self.out.stall_drain

    def _receive(self, results_stored: bool) -> bool:
        """Returns whether a run was committed."""
        if self.rx == len(self.runs):
            return False
        run = self.runs[self.rx]
        if not self.puts:
            if self.now < self.rx_decide or self.banks_used == 2:
                return False
            if self.outstanding == MAX_OUTSTANDING:
                return False
            self.puts = run.images * run.input_words
            self.put = self.now + 1 + self.record
            self.receiving_from = self.now + 1
            self.receiving_to = self.put + (self.puts - 1) * self.record
            return False
        if results_stored:
            # Results go first: a word due in this cycle waits, and all later ones with it.
            self._catch_up()
            if self.put == self.now:
                self.put += 1
                if self.puts > 1:
                    self.receiving_to += 1
            return False
        if self.now < self.put + (self.puts - 1) * self.record:
            return False
        self.puts, self.put = 0, _NEVER
        self.rx, self.rx_decide = self.rx + 1, self.now + self.header + _TO_DECIDE
        self.queue.append(run)
        self.out.images += run.images
        return True

    def _catch_up(self) -> None:
        """Account for the words put before this cycle."""
        if self.put < self.now:
            done = min(self.puts - 1, (self.now - 1 - self.put) // self.record + 1)
            self.puts -= done
            self.put += done * self.record

    def _arrive(self, arrival: tuple[int, bool, bool, bool, bool, bool]) -> None:
        _, _, word_end, to_host, frame_end, layer_end = arrival
        self.words_done += word_end
        if to_host:
            self.results.append((self.now + 3, frame_end))
        if layer_end:
            self.in_flight.popleft()
            self.words_done = 0
            if not self.in_flight and self.started is not None:
                self._note_end(self.now + 1)
                self.started = None

    def _rest(self) -> None:
        """Skip cycles in which the walker only walks or waits, and nobody else moves."""
        if self.results or self.tx != "IDLE" or any(self.scanned):
            return
        if self.loaded_from <= self.now and self.open is not None:
            return
        if self.opening or (self.open is None and self.layers):
            return
        if self.shifted or self.drain_room != (self.slots <= _ROOM):
            return
        if self.begins is not None or any(self.told):
            return
        if self.waiting is None:
            if self.scan is not None or not self.scanner_ready:
                return
        elif self.guarded != self._guard(self.waiting[0]):
            return
        room = len(self.segments) <= SEGMENT_DEPTH - 2 - READ_LATENCY
        if self.scan_room != room or (self.waiting is not None and room and not self.guarded):
            return
        if self.segments and self.skid_ready:
            return
        if self.following is not None and (not self.bits or not self.following[0]):
            return
        if self.bits == 1:
            return
        events = [self.loaded_from, self.arrivals[0][0] if self.arrivals else _NEVER]
        if self.bits:
            events.append(self.now + self.bits - 1)
        if self.seq_ready == _NEVER:
            if self.queue:
                return
        elif self.waiting is None and len(self.in_flight) < 2:
            events.append(self.seq_ready)
        if self.puts:
            events.append(self.put + (self.puts - 1) * self.record)
        elif self.rx < len(self.runs) and self.banks_used < 2:
            events.append(self.rx_decide)
        span = min(events) - self.now
        if span <= 0 or span > _NEVER // 2:
            return
        if self.bits:
            self.bits -= span
            self.out.issued += span
        if self.in_flight:
            self.out.busy += span
        else:
            first = max(self.now, self.receiving_from)
            self.out.stall_input += max(0, min(self.now + span, self.receiving_to) - first)
        if self.waiting is not None and self.guarded:
            self.out.stall_data += span
        self.now += span
